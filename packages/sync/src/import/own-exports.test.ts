import { describe, expect, it } from "vitest";
import { findOwnExports } from "./own-exports.ts";
import type { ExportPlace } from "./ports.ts";

const RUN = { organizationId: 1, runId: 1 };

/** Settings name a place by `at`. */
function anEngine(targets: readonly Omit<ExportPlace, "projectId">[]) {
  const noted: number[] = [];
  return {
    noted,
    connections: {
      describe: (_provider: string, settings: Readonly<Record<string, unknown>>) =>
        Promise.resolve(String(settings["at"])),
    },
    exports: {
      listTargets: () => Promise.resolve(targets.map((target) => ({ projectId: 1, ...target }))),
      noteOverlap: (_run: unknown, ids: readonly number[]) => {
        noted.push(...ids);
        return Promise.resolve();
      },
      findNamed: (_run: unknown, pairs: readonly { readonly key: string }[]) =>
        Promise.resolve(pairs.map(({ key }) => key === "out/1")),
    },
  };
}

describe("own exports", () => {
  it("are known whatever the type of the target that leads to the place", async () => {
    const engine = anEngine([
      { targetId: 5, provider: "s3s", settings: { at: "s3://cats" }, prefix: "out" },
      { targetId: 6, provider: "gcs", settings: { at: "gs://cats" }, prefix: "out" },
    ]);
    const source = { provider: "s3", settings: { at: "s3://cats" }, prefix: null };
    const own = await findOwnExports(engine as never, RUN, source);
    const columns = { sizes: [1, 1], etags: ["", ""], modified: [0, 0] };
    const found = await own.findIn({ keys: ["out/1", "out/2"], ...columns });
    expect([...found]).toEqual(["out/1"]);
    expect(engine.noted).toEqual([5]);
  });
});
