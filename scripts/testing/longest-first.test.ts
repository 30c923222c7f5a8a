import path from "node:path";
import { describe, expect, it } from "vitest";
import { rankOf } from "./longest-first.ts";

const at = (name: string): number => rankOf(path.resolve(import.meta.dirname, "../..", name));

describe("the order of test files", () => {
  it("begins with those that wait longest", () => {
    const names = [
      "packages/core/src/keys.test.ts",
      "apps/api/test/runs.int.test.ts",
      "apps/worker/test/export.int.test.ts",
      "packages/db/src/plans.int.test.ts",
      "apps/standalone/test/faults.int.test.ts",
    ];
    expect([...names].sort((one, other) => at(one) - at(other))).toEqual([
      "apps/standalone/test/faults.int.test.ts",
      "apps/worker/test/export.int.test.ts",
      "packages/db/src/plans.int.test.ts",
      "apps/api/test/runs.int.test.ts",
      "packages/core/src/keys.test.ts",
    ]);
  });
});
