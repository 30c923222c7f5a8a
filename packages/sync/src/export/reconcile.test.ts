import { AppError } from "@bucketbridge/core";
import { MemoryDriver, withFaults } from "@bucketbridge/storage/memory";
import { describe, expect, it } from "vitest";
import { compareTarget } from "./reconcile.ts";
import { runExport } from "./run-export.ts";
import { anExportEngine, aTarget, type EngineParts } from "./testing/fake-ports.ts";

const { signal } = new AbortController();
const REF = { organizationId: 1, targetId: 9, runId: 3 };
const LATER = { yieldAt: Infinity, signal };

async function anEngine(keys: readonly string[]): Promise<EngineParts> {
  const driver = new MemoryDriver();
  for (const key of keys) await driver.put({ key, body: new Uint8Array(3) }, { signal });
  const engine = anExportEngine({ driver, options: { comparePage: 2 } });
  const { runs } = engine;
  runs.run = { ...runs.run, kind: "reconcile" };
  return engine;
}

describe("compareTarget", () => {
  it("compares page by page below the target's prefix, each with the clock from before it was asked for", async () => {
    const engine = await anEngine(["a/1", "a/2", "a/3", "a/dir/", "ab/1", "b"]);
    engine.comparisons.comparison = {
      ...engine.comparisons.comparison,
      target: aTarget({ prefix: "/a//" }),
    };
    expect(await compareTarget(engine, engine.runs.run, LATER)).toBe("done");
    const { pages, log } = engine.comparisons;
    expect(pages.map(({ keys, since, page }) => [page, since, keys])).toEqual([
      [0, "t0", ["a/1", "a/2"]],
      [1, "t1", ["a/3"]],
    ]);
    expect(pages[0]).toMatchObject({ bytes: [3, 3], named: [false, false] });
    expect(pages.at(-1)?.cursor).toBeNull();
    expect(log).toEqual(["missing 0"]);
    expect(engine.connections.open).toBe(0);
  });

  it("goes on where it was when its time is up, a page at a time", async () => {
    const engine = await anEngine(["1", "2", "3", "4", "5"]);
    const { runs, comparisons } = engine;
    const turns: string[] = [];
    do turns.push(await compareTarget(engine, runs.run, { yieldAt: 0, signal }));
    while (turns.at(-1) === "yield");
    expect(turns).toEqual(["yield", "yield", "done"]);
    expect(comparisons.pages.flatMap(({ keys }) => keys)).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("lets go of a page that somebody else has compared", async () => {
    const engine = await anEngine(["1"]);
    engine.comparisons.addPage = () => Promise.resolve(undefined);
    expect(await compareTarget(engine, engine.runs.run, LATER)).toBe("lost");
    expect(engine.comparisons.log).toEqual([]);
  });

  it("knows what other targets name at the same place, also inside or around its own", async () => {
    const engine = await anEngine(["1", "in/2"]);
    engine.comparisons.comparison = {
      ...engine.comparisons.comparison,
      target: aTarget({ settings: { at: "d/out" } }),
      siblings: [
        { targetId: 2, provider: "s3s", settings: { at: "d/out/in" } },
        { targetId: 3, provider: "s3", settings: { at: "d" } },
        { targetId: 4, provider: "s3", settings: { at: "elsewhere" } },
      ],
    };
    engine.comparisons.named.add("2 2").add("3 out/1").add("4 1");
    await compareTarget(engine, engine.runs.run, LATER);
    expect(engine.comparisons.pages[0]?.named).toEqual([true, true]);
  });

  it("rings pushers for what it repairs", async () => {
    const engine = await anEngine(["1"]);
    engine.comparisons.repaired = 1;
    await compareTarget(engine, engine.runs.run, LATER);
    expect(engine.rings).toEqual(["push 9"]);
  });

  it("begins the listing anew when its token has expired", async () => {
    const driver = withFaults(new MemoryDriver(), {
      before: () => {
        throw new AppError({ code: "invalid_input", reason: "s3.cursor_expired", message: "old" });
      },
    });
    const engine = anExportEngine({ driver });
    const { comparisons } = engine;
    comparisons.comparison = { ...comparisons.comparison, page: 4, cursor: "old" };
    expect(await compareTarget(engine, engine.runs.run, LATER)).toBe("yield");
    expect(comparisons.log).toEqual(["restart"]);
    expect(comparisons.comparison).toMatchObject({ page: 0, cursor: null });
  });
});

describe("a run that compares", () => {
  it("ends when its listing and its repairs are done, and frees its marks", async () => {
    const engine = await anEngine(["1", "2", "3"]);
    const { runs, comparisons } = engine;
    comparisons.onMissing = () => {
      runs.run = { ...runs.run, markedUpTo: null };
    };
    expect(await runExport(engine, REF, signal)).toEqual({ kind: "final" });
    expect(runs.chunks).toEqual([]);
    expect(runs.ends).toEqual(["completed"]);
    expect(comparisons.log).toEqual(["missing 0", "clear"]);
  });

  it("fails with a sentence when the store refuses to list", async () => {
    const driver = withFaults(new MemoryDriver(), {
      before: () => {
        throw new AppError({ code: "permission_denied", message: "AccessDenied" });
      },
    });
    const engine = anExportEngine({ driver });
    engine.runs.run = { ...engine.runs.run, kind: "reconcile" };
    engine.runs.nextRunId = 4;
    expect(await runExport(engine, REF, signal)).toEqual({ kind: "final" });
    expect(engine.runs.ends).toEqual([
      expect.stringMatching(
        /^failed: the objects of this target cannot be listed, so nothing was compared to the end: .*AccessDenied/,
      ),
    ]);
    expect(engine.rings).toEqual(["run 4"]);
  });

  it("compares nothing more once it is canceled", async () => {
    const engine = await anEngine(["1"]);
    engine.runs.run = { ...engine.runs.run, cancelRequested: true };
    expect(await runExport(engine, REF, signal)).toEqual({ kind: "final" });
    expect(engine.comparisons.pages).toEqual([]);
    expect(engine.runs.ends).toEqual(["canceled"]);
  });
});
