import { expect } from "vitest";
import type { StorageDriver } from "../../driver.ts";
import { calm, toBytes, type ConformanceCase } from "../case.ts";

const group = "privilege";

/** The least that a storage must be allowed to do. That more is refused is asked too: otherwise a case would prove nothing. */
export const PRIVILEGE_CASES: readonly ConformanceCase[] = [
  {
    group,
    name: "lists with the permission to list alone, and downloads nothing",
    missing: (harness) =>
      harness.openLister === undefined ? "the service knows nobody who may only list" : undefined,
    run: (t) =>
      withDriver(t.harness.openLister?.(), async (lister) => {
        const keys = ["a", "b", "c", "dir/d", "dir/e"];
        await t.seed(...keys);
        const store = t.storeOf(lister);
        expect([...(await t.list({}, store)).keys].sort()).toEqual(keys);
        expect(await t.outcome(store.read("a", {}, calm))).toBe("permission_denied");
      }),
  },
  {
    group,
    name: "writes with the permission to put alone: no look at object or bucket, no delete",
    missing: (harness) =>
      harness.openWriter === undefined ? "the service knows nobody who may only put" : undefined,
    run: (t) =>
      withDriver(t.harness.openWriter?.(), async (writer) => {
        const store = t.storeOf(writer);
        for (const key of ["out/1", "out/2"])
          await store.put({ key, body: toBytes(`body of ${key}`) }, calm);
        for (const key of ["out/1", "out/2"]) expect(await t.readText(key)).toBe(`body of ${key}`);
        expect(await t.outcome(store.read("out/1", {}, calm))).toBe("permission_denied");
        expect(await t.outcome(t.list({}, store))).toBe("permission_denied");
      }),
  },
];

async function withDriver(
  opening: Promise<StorageDriver> | undefined,
  work: (driver: StorageDriver) => Promise<void>,
): Promise<void> {
  const driver = await opening;
  if (driver === undefined) return;
  try {
    await work(driver);
  } finally {
    await driver.close();
  }
}
