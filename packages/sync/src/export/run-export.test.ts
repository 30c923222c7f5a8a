import { MemoryDriver } from "@bucketbridge/storage/memory";
import { describe, expect, it } from "vitest";
import { runExport } from "./run-export.ts";
import { aDelivery, anAnnotation, anExportEngine, type EngineParts } from "./testing/fake-ports.ts";

const { signal } = new AbortController();
const REF = { organizationId: 1, targetId: 9, runId: 3 };

/** A sync of `count` annotations, marked in chunks of 10. */
function aSync(count: number, options: Partial<EngineParts["options"]> = {}): EngineParts {
  const engine = anExportEngine({
    driver: new MemoryDriver(),
    options: { markChunk: 10, ...options },
  });
  const { runs, deliveries } = engine;
  runs.unmarked = count;
  let marked = 0;
  runs.onMark = (chunk) => {
    for (let n = 0; n < chunk; n++) {
      marked++;
      deliveries.due.push(aDelivery(marked));
      deliveries.subjects.set(marked, anAnnotation(marked));
    }
  };
  runs.isSettled = () => deliveries.records.length === count;
  return engine;
}

describe("runExport", () => {
  it("marks in chunks, rings pushers for each, pushes, and ends the run", async () => {
    const engine = aSync(25);
    expect(await runExport(engine, REF, signal)).toEqual({ kind: "final" });
    expect(engine.runs.chunks).toEqual([10, 10, 5]);
    expect(engine.rings).toEqual(["push 9", "push 9", "push 9"]);
    expect(engine.deliveries.records).toHaveLength(25);
    expect(engine.runs.ends).toEqual(["completed"]);
    expect(engine.runs.heartbeats).toBe(1);
  });

  it("ends once, whoever sees it, and rings for the run that waits", async () => {
    const engine = aSync(3);
    engine.runs.nextRunId = 4;
    await Promise.all([1, 2, 3].map(() => runExport(engine, REF, signal)));
    for (let n = 0; n < 3; n++) {
      const turn = await runExport(engine, REF, signal);
      expect(turn).toEqual({ kind: "final" });
    }
    expect(engine.runs.ends).toEqual(["completed"]);
    expect(engine.rings.filter((ring) => ring === "run 4")).toHaveLength(1);
  });

  it("yields between chunks when its time is up, and goes on where it was", async () => {
    const engine = aSync(25, { yieldMs: 0 });
    expect(await runExport(engine, REF, signal)).toEqual({ kind: "yield", delayMs: 0 });
    expect(engine.runs.chunks).toEqual([10]);
    let turns = 1;
    while ((await runExport(engine, REF, signal)).kind !== "final") turns++;
    expect(turns).toBe(2);
    expect(engine.runs.chunks).toEqual([10, 10, 5]);
    expect(engine.deliveries.records).toHaveLength(25);
  });

  it("looks again in a second when the rest of its cohort is in other hands", async () => {
    const engine = aSync(5);
    engine.runs.isSettled = () => false;
    expect(await runExport(engine, REF, signal)).toEqual({ kind: "yield", delayMs: 1_000 });
    expect(engine.runs.ends).toEqual([]);
  });

  it("does not wait out an open breaker, since the run may end meanwhile", async () => {
    const engine = aSync(5);
    engine.breaker.state = "open";
    expect(await runExport(engine, REF, signal)).toEqual({ kind: "yield", delayMs: 1_000 });
  });

  it("marks and pushes nothing more of a run that is canceled", async () => {
    const engine = aSync(25);
    engine.runs.run = { ...engine.runs.run, cancelRequested: true };
    expect(await runExport(engine, REF, signal)).toEqual({ kind: "final" });
    expect(engine.runs.chunks).toEqual([]);
    expect(engine.runs.ends).toEqual(["canceled"]);
  });

  it("stops between two claims soon after somebody cancels while it pushes", async () => {
    let nowMs = 0;
    const clock = { now: () => nowMs, sleep: () => Promise.resolve() };
    const engine = aSync(100, { parallelPuts: 1, markChunk: 1_000 });
    const { deliveries, runs } = engine;
    const record = deliveries.delivered.bind(deliveries);
    deliveries.delivered = (target, records) => {
      runs.run = { ...runs.run, cancelRequested: true };
      nowMs += 250;
      return record(target, records);
    };
    expect(await runExport({ ...engine, clock }, REF, signal)).toEqual({ kind: "final" });
    expect(runs.ends).toEqual(["canceled"]);
    expect(deliveries.records.length).toBeLessThanOrEqual(4);
  });

  it("lets go of a chunk that somebody else has marked", async () => {
    const engine = aSync(25);
    engine.runs.markChunk = () => Promise.resolve(undefined);
    expect(await runExport(engine, REF, signal)).toEqual({ kind: "yield", delayMs: 1_000 });
    expect(engine.runs.ends).toEqual([]);
  });

  it("has nothing to do for a run that is gone or over", async () => {
    const engine = aSync(5);
    engine.runs.run = { ...engine.runs.run, state: "failed" };
    expect(await runExport(engine, REF, signal)).toEqual({ kind: "final" });
    engine.runs.find = () => Promise.resolve(undefined);
    expect(await runExport(engine, REF, signal)).toEqual({ kind: "final" });
    expect(engine.runs.heartbeats).toBe(0);
  });

  it("begins nothing after a shutdown", async () => {
    const engine = aSync(5);
    await expect(runExport(engine, REF, AbortSignal.abort())).rejects.toMatchObject({
      code: "canceled",
    });
    expect(engine.runs.chunks).toEqual([]);
  });
});
