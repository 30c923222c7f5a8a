import { systemClock } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { withS3Place } from "./s3-place.ts";
import type { System } from "./system.ts";
import { ExportScene, type Target } from "./target-scene.ts";

const HOUR_MS = 3_600_000;

/** Notes of one object in the order in which the store took them. */
function notesOf({ place }: Target): readonly string[] {
  return place.fake.operations.map(({ kind, description }) =>
    kind === "put" ? description : "deleted",
  );
}

/** The store keeps the note of each put. */
async function withTarget(
  system: System,
  use: (scene: ExportScene, target: Target) => Promise<void>,
): Promise<void> {
  await withS3Place(async (place) => {
    await place.become({ buckets: ["out"], describe: noteOf });
    const scene = await ExportScene.create(system.client, 1);
    const target = await scene.addTarget(place);
    await target.settled();
    await use(scene, target);
  });
}

function noteOf(body: Buffer): string {
  const { result } = JSON.parse(body.toString()) as { result: { note: string }[] };
  return result[0]?.note ?? "";
}

/** Puts whose answer never comes, although the store has written. */
export function describeUnansweredPuts(getSystem: () => System): void {
  describe.concurrent("a put without an answer", () => {
    it.each([
      ["the connection is cut after the store has written", "applied_reset"],
      ["the store has written and says nothing until the time is up", "applied_silent"],
    ] as const)("%s: the newest is written at once and once more, never an older one", (_, kind) =>
      withTarget(getSystem(), async (scene, target) => {
        const fault = target.place.fake.inject({ kind, on: "put" });
        const [id = 0] = await scene.annotateAll();
        await target.until("the fault to hit", () => fault.hits > 0);
        await scene.change(id, "newest");
        await target.rest();
        expect(target.bucket()).toEqual({ [String(id)]: "newest" });
        // The last one is that of the settling; on a slow machine it is the second one.
        expect(notesOf(target).join()).toMatch(/^first(,newest){1,2}$/);
        expect(await target.sync()).toMatchObject({ status: "completed", last_sync_count: 1 });
      }),
    );

    it("the store applies it late, over the newest: the newest is put back", () =>
      withTarget(getSystem(), async (scene, target) => {
        const fault = target.place.fake.inject({ kind: "late_apply", on: "put" });
        const [id = 0] = await scene.annotateAll();
        await target.until("the fault to hit", () => fault.hits > 0);
        await scene.change(id, "newest");
        await target.until("the newest", () => target.bucket()[String(id)] === "newest");
        fault.release();
        expect(target.bucket()).toEqual({ [String(id)]: "first" });
        await target.rest();
        expect(target.bucket()).toEqual({ [String(id)]: "newest" });
      }));
  });
}

/** Workers that die, and workers whose clocks are wrong. */
export function describeWorkerFaults(getSystem: () => System): void {
  // One after the other: they kill whatever works.
  describe("a worker", { concurrent: false }, () => {
    it.each([
      ["before the store has written", "silent"],
      ["after the store has written and before that is recorded", "applied_silent"],
    ] as const)("killed %s: the next one goes on with the newest", (_, kind) =>
      withTarget(getSystem(), async (scene, target) => {
        const system = getSystem();
        const fault = target.place.fake.inject({ kind, on: "put" });
        const [id = 0] = await scene.annotateAll();
        await target.until("the put to begin", () => fault.hits > 0);
        await system.killWorkers();
        await scene.change(id, "newest");
        await system.startExportWorker();
        await target.rest();
        expect(target.bucket()).toEqual({ [String(id)]: "newest" });
        const before = kind === "silent" ? "" : "first,";
        expect(notesOf(target).join()).toMatch(new RegExp(`^${before}newest(,newest)?$`));
        await scene.change(id, "again");
        await target.rest();
        expect(target.bucket()).toEqual({ [String(id)]: "again" });
      }),
    );

    it.each([HOUR_MS, -HOUR_MS])(
      "whose clock is wrong by %i ms: nothing is lost, early or late",
      (shift) =>
        withTarget(getSystem(), async (scene, target) => {
          const system = getSystem();
          await system.stopWorkers();
          await system.startExportWorker({ clockShiftMs: shift });
          const [id = 0] = await scene.annotateAll();
          await target.rest();
          // A failure is tried again after seconds of the database, not at once and not after an hour.
          target.place.fake.inject({
            kind: "error",
            on: "put",
            status: 409,
            code: "OperationAborted",
          });
          await scene.change(id, "second");
          const [failing] = await target.failing();
          const waitMs = Date.parse(String(failing?.["nextAttemptAt"])) - Date.now();
          expect(waitMs).toBeLessThan(10_000);
          await target.rest();
          expect(target.bucket()).toEqual({ [String(id)]: "second" });
          // A second worker with the right time: both take turns, and no lease of one looks expired to the other.
          await system.startExportWorker();
          for (const note of ["a", "b", "c", "d"]) {
            await scene.change(id, note);
            await systemClock.sleep(50, new AbortController().signal);
          }
          await target.rest();
          expect(target.bucket()).toEqual({ [String(id)]: "d" });
          expect(await target.sync()).toMatchObject({ status: "completed", last_sync_count: 1 });
          await system.stopWorkers();
          await system.startExportWorker();
        }),
    );
  });
}
