import { describe, expect, it } from "vitest";
import type { StorageDriver } from "../driver.ts";
import type { MemoryDriver } from "../memory/memory-driver.ts";
import { breakDriver, BROKEN_DRIVER_SECRET, BROKEN_DRIVERS } from "./broken-drivers.ts";
import { CaseContext, type ConformanceCase } from "./case.ts";
import { CONFORMANCE_CASES } from "./conformance.ts";
import { memoryHarness } from "./memory-harness.ts";

/** A broken driver may hang: then the case has caught it. */
const CASE_LIMIT_MS = 3_000;

/** The first of these cases that a driver fails; undefined: it passes all. */
async function firstFailure(
  cases: readonly ConformanceCase[],
  wrap: (memory: MemoryDriver) => StorageDriver,
): Promise<string | undefined> {
  for (const conformanceCase of cases) {
    const harness = { ...(await memoryHarness({ wrap })), secrets: [BROKEN_DRIVER_SECRET] };
    try {
      await within(
        CASE_LIMIT_MS,
        conformanceCase.run(new CaseContext(harness, await harness.open())),
      );
    } catch (error) {
      return `${conformanceCase.name}: ${String(error)}`;
    }
  }
  return undefined;
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new TypeError("the case hangs"));
  }, ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

describe("the conformance suite", () => {
  it("finds nothing wrong with the right driver", async () => {
    expect(await firstFailure(CONFORMANCE_CASES, (memory) => memory)).toBeUndefined();
  });

  it("names each case once", () => {
    const names = CONFORMANCE_CASES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  describe.each(Object.entries(BROKEN_DRIVERS))("in its group %s", (group, broken) => {
    const cases = CONFORMANCE_CASES.filter((conformanceCase) => conformanceCase.group === group);
    it.each(Object.entries(broken))("catches a driver that %s", async (_name, breakage) => {
      const failure = await firstFailure(cases, (memory) => breakDriver(memory, breakage));
      expect(failure).toBeDefined();
    });
  });
});
