import path from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that start processes and wait for leases, the longest first: begun last, they would run alone at the end. */
const LONG: readonly RegExp[] = [
  /^apps\/standalone\/test\//,
  /^apps\/worker\/test\//,
  /^packages\/(db|queue)\/src\/.*\.int\.test\.ts$/,
  /^apps\/api\/test\//,
];

const ROOT = path.resolve(import.meta.dirname, "../..");

/** Where a file stands in the order; lower is earlier. */
export function rankOf(file: string): number {
  const name = path.relative(ROOT, file).replaceAll(path.sep, "/");
  const rank = LONG.findIndex((pattern) => pattern.test(name));
  return rank === -1 ? LONG.length : rank;
}

/** Vitest's own order (what failed before, then by known durations and sizes) within these ranks. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted
      .map((spec, index) => ({ spec, index, rank: rankOf(spec.moduleId) }))
      .sort((one, other) => one.rank - other.rank || one.index - other.index)
      .map(({ spec }) => spec);
  }
}
