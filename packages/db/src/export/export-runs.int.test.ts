import { describe, expect, it } from "vitest";
import { cancelRun } from "../runs/request.ts";
import { addTask, ExportScene, makeExportGuard } from "../testing/export-scene.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import { sweepTargets } from "./sweep-targets.ts";

const test = useTestDatabase("export_runs");
const guard = makeExportGuard(test);
const REFUSED = { code: "permission_denied", message: "no", retryAfterSeconds: 0 } as const;

/** A push that the store refuses, three times. */
async function fail(scene: ExportScene, times = 3): Promise<void> {
  for (let attempt = 0; attempt < times; attempt++) {
    const { target, delivery } = await scene.claimOne();
    await scene.stores.deliveries.failed(target, delivery, REFUSED);
  }
}

async function saveMany(scene: ExportScene, count: number): Promise<number[]> {
  const ids: number[] = [];
  for (let saved = 0; saved < count; saved++) ids.push((await scene.save()).annotation.id);
  return ids;
}

describe("a sync of all", () => {
  it("is completed when all of its cohort was written, and not before", async () => {
    const scene = await ExportScene.make(test);
    await saveMany(scene, 5);
    await scene.pushAll();
    const run = await scene.ask();
    expect(run).toMatchObject({ state: "queued", markedUpTo: 0, kind: "sync" });
    expect(await scene.markAll(run, 2)).toBe(5);
    expect(await scene.stores.runs.finish(run)).toBeUndefined();
    expect(await scene.stores.runs.progress(run)).toEqual({
      phase: "pushing",
      total: 5,
      settled: 0,
      failing: 0,
    });
    expect(await scene.pushAll()).toBe(5);
    expect(await scene.stores.runs.finish(run)).toEqual({ state: "completed", nextRunId: null });
    expect(await scene.stores.runs.progress(run)).toEqual({
      phase: "final",
      total: 5,
      settled: 5,
      failing: 0,
    });
  });

  it("leaves out what the target holds when only changes are asked for", async () => {
    const scene = await ExportScene.make(test);
    const [first] = await saveMany(scene, 3);
    await scene.pushAll();
    expect(await scene.markAll(await scene.ask("sync", true))).toBe(0);
    await scene.save(defined(first));
    const runs = await test.look("SELECT FROM run WHERE storage_id = $1", [scene.target.id]);
    expect(runs).toHaveLength(1);
  });

  it("that is full is not answered by one that takes only what changed", async () => {
    const scene = await ExportScene.make(test);
    const partial = await scene.ask("sync", true);
    const full = await scene.ask("sync");
    expect(full.runId).not.toBe(partial.runId);
    expect(full).toMatchObject({ state: "waiting", onlyChanged: false });
    expect((await scene.ask("sync", true)).runId).toBe(partial.runId);
  });

  it("is failed when nothing was written and has errors when something was", async () => {
    const failing = await ExportScene.make(test);
    await saveMany(failing, 1);
    const one = await failing.ask();
    await failing.markAll(one);
    await fail(failing);
    expect(await failing.stores.runs.finish(one)).toMatchObject({ state: "failed" });
    const row = await test.one("SELECT error_code, error_message FROM run WHERE id = $1", [
      one.runId,
    ]);
    expect(row).toEqual({ error_code: "permission_denied", error_message: "no" });

    const mixed = await ExportScene.make(test);
    await saveMany(mixed, 2);
    const two = await mixed.ask();
    await mixed.markAll(two);
    await mixed.deliver(await mixed.claimOne(), 1);
    await fail(mixed, 2);
    expect(await mixed.stores.runs.finish(two)).toBeUndefined();
    await fail(mixed, 1);
    expect(await mixed.stores.runs.finish(two)).toMatchObject({ state: "completed_with_errors" });
    expect((await mixed.deliveries()).filter(({ is_due }) => is_due)).toHaveLength(1);
  });

  it("is tried again by a retry, which takes what failed and nothing else", async () => {
    const scene = await ExportScene.make(test);
    await saveMany(scene, 3);
    await fail(scene, 1);
    await test.look(
      "UPDATE delivery SET due_at = now() + interval '1 hour' WHERE target_id = $1 AND last_error_code IS NOT NULL",
      [scene.target.id],
    );
    const run = await scene.ask("retry");
    expect(await scene.markAll(run)).toBe(1);
    expect(await scene.pushAll()).toBe(3);
    expect(await scene.stores.runs.finish(run)).toMatchObject({ state: "completed" });
  });

  it("exports tasks that are annotated where the target holds one object per task", async () => {
    const scene = await ExportScene.make(test, { subject: "task" });
    await addTask(test, scene.world);
    await scene.save();
    await scene.save();
    expect(await scene.markAll(await scene.ask())).toBe(1);
    const { target, delivery } = await scene.claimOne();
    const subject = defined(
      (await scene.stores.deliveries.readSubjects(target, [delivery])).get(scene.taskId),
    );
    expect(subject).toMatchObject({
      type: "task",
      task: { exportRevision: 2, dataJson: '{"n": 1}' },
    });
    expect(subject.type === "task" && subject.annotations).toHaveLength(2);
  });

  guard(
    "ends although an annotation is saved again and again: what it wanted lies there",
    [
      {
        statement: "deliveries-delivered",
        from: "coalesce(d.run_revision, d.wanted_revision)",
        to: "d.wanted_revision",
      },
    ],
    async (scene) => {
      const { annotation } = await scene.save();
      const run = await scene.ask();
      await scene.markAll(run);
      const claim = await scene.claimOne();
      await scene.save(annotation.id);
      await scene.deliver(claim, 1);
      return (await scene.stores.runs.finish(run))?.state === "completed";
    },
  );

  guard(
    "does not end while the last marks are missing",
    [
      { statement: "export-run-lock", from: "OR r.marking_done AND", to: "OR" },
      {
        statement: "export-run-finish",
        from: "WHEN d.marking_done AND x.n = 0",
        to: "WHEN x.n = 0",
      },
    ],
    async (scene) => {
      await scene.save();
      const run = await scene.ask();
      await scene.pushAll();
      return (await scene.stores.runs.finish(run)) === undefined;
    },
  );

  it("whose target answers nobody ends as failed, and its deliveries stay due", async () => {
    const scene = await ExportScene.make(test, { outageSeconds: 0 });
    await saveMany(scene, 2);
    const run = await scene.ask();
    await scene.markAll(run);
    expect(await scene.stores.runs.finish(run)).toBeUndefined();
    const { target } = await scene.claim(0);
    await scene.stores.breaker.onOutage(target, { ...REFUSED, code: "unavailable" });
    expect(await scene.stores.runs.finish(run)).toMatchObject({ state: "failed" });
    const row = await test.one("SELECT error_code, failed::int AS failed FROM run WHERE id = $1", [
      run.runId,
    ]);
    expect(row).toEqual({ error_code: "unavailable", failed: 2 });
    expect((await scene.deliveries()).every(({ is_due }) => is_due)).toBe(true);
  });
});

describe("canceling a sync", () => {
  it("takes back what only it wanted and keeps what a save wished", async () => {
    const scene = await ExportScene.make(test);
    await test.look("UPDATE storage SET deleted_at = now() WHERE id = $1", [scene.target.id]);
    await saveMany(scene, 3);
    await test.look("UPDATE storage SET deleted_at = NULL WHERE id = $1", [scene.target.id]);
    const [wished] = await saveMany(scene, 1);
    const run = await scene.ask();
    await scene.markAll(run);
    const { organizationId } = scene.key;
    const canceled = await cancelRun(test.db, { organizationId, runId: run.runId });
    expect(canceled).toMatchObject({ state: "running" });
    const current = await scene.run(run.runId);
    expect(current.cancelRequested).toBe(true);
    expect(await scene.stores.runs.finish(current)).toMatchObject({ state: "canceled" });
    expect((await scene.deliveries()).map(({ subject_id }) => subject_id)).toEqual([wished]);
  });

  it("leaves an annotation that the target holds as it was", async () => {
    const scene = await ExportScene.make(test);
    await saveMany(scene, 1);
    await scene.pushAll();
    const run = await scene.ask();
    await scene.markAll(run);
    const { organizationId } = scene.key;
    await cancelRun(test.db, { organizationId, runId: run.runId });
    await scene.stores.runs.finish(await scene.run(run.runId));
    expect(await scene.delivery()).toMatchObject({ state: "delivered", is_due: false });
  });

  it("ends one at once that has not begun", async () => {
    const scene = await ExportScene.make(test);
    const run = await scene.ask();
    const { organizationId } = scene.key;
    expect(await cancelRun(test.db, { organizationId, runId: run.runId })).toMatchObject({
      state: "canceled",
    });
  });

  it("waits for a put that is under way", async () => {
    const scene = await ExportScene.make(test);
    await saveMany(scene, 1);
    const run = await scene.ask();
    await scene.markAll(run);
    const claim = await scene.claimOne();
    const { organizationId } = scene.key;
    await cancelRun(test.db, { organizationId, runId: run.runId });
    const current = await scene.run(run.runId);
    expect(await scene.stores.runs.finish(current)).toBeUndefined();
    await scene.deliver(claim, 1);
    expect(await scene.stores.runs.finish(current)).toMatchObject({ state: "canceled" });
  });
});

describe("a target that moves", () => {
  it("wants everything again, and finishes deletes that waited at the old place first", async () => {
    const scene = await ExportScene.make(test, { canDeleteObjects: true });
    const [first] = await saveMany(scene, 3);
    await scene.pushAll();
    await scene.remove(defined(first));
    const runId = defined(await scene.change({ prefix: "two" }, "move"));
    const old = await scene.claim();
    expect(old.target).toMatchObject({ prefix: "one", locationVersion: 1 });
    expect(old.deliveries).toMatchObject([
      { subjectId: first, wantedOp: "delete", objectKey: `one/${String(first)}` },
    ]);
    const records = old.deliveries.map((delivery) => ({
      delivery,
      revision: delivery.wantedRevision,
      objectKey: delivery.objectKey,
      etag: null,
    }));
    expect(await scene.stores.deliveries.delivered(old.target, records)).toEqual([]);
    const run = await scene.run(runId);
    expect(await scene.markAll(run)).toBe(2);
    const now = await scene.claim();
    expect(now.target.prefix).toBe("two");
    expect(now.deliveries.map(({ objectKey }) => objectKey)).toEqual([null, null]);
    await scene.stores.deliveries.release(scene.key, now.deliveries);
    expect(await scene.pushAll()).toBe(2);
    expect(await scene.stores.runs.finish(run)).toMatchObject({ state: "completed" });
  });

  it("is not held up by an old place that answers nobody", async () => {
    const scene = await ExportScene.make(test, { canDeleteObjects: true });
    const [first] = await saveMany(scene, 1);
    await scene.pushAll();
    await scene.remove(defined(first));
    await scene.change({ prefix: "two" }, "move");
    const { target, delivery } = await scene.claimOne();
    await scene.stores.deliveries.failed(target, delivery, { ...REFUSED, retryAfterSeconds: 60 });
    await scene.stores.breaker.onOutage(target, REFUSED);
    expect(await scene.stores.breaker.admit(scene.key)).toEqual({ state: "closed" });
    expect((await scene.claim()).target.prefix).toBe("two");
  });

  it("to another kind of subject ends what waits for the old kind", async () => {
    const scene = await ExportScene.make(test);
    await saveMany(scene, 2);
    const run = await scene.run(defined(await scene.change({ subject: "task" }, "move")));
    await scene.markAll(run);
    const rows = await scene.deliveries();
    expect(rows.map(({ subject_type, state }) => [subject_type, state])).toEqual([
      ["annotation", "ended"],
      ["annotation", "ended"],
      ["task", "pending"],
    ]);
  });

  it("ends its active run as canceled and starts the next one", async () => {
    const scene = await ExportScene.make(test);
    await saveMany(scene, 2);
    const run = await scene.ask();
    await scene.stores.runs.markChunk(run, 1);
    const nextId = await scene.change({ prefix: "two" }, "move");
    expect(await scene.run(run.runId)).toMatchObject({ state: "canceled" });
    expect(await scene.run(defined(nextId))).toMatchObject({ state: "queued", markedUpTo: 0 });
    expect(await scene.stores.runs.markChunk({ ...run, markedUpTo: 0 }, 1)).toBeUndefined();
  });
});

describe("the breaker", () => {
  it("lets one probe through at a time and closes with the first success", async () => {
    const scene = await ExportScene.make(test);
    await scene.save();
    const { target } = await scene.claim(0);
    const { breaker } = scene.stores;
    expect(await breaker.admit(scene.key)).toEqual({ state: "closed" });
    await Promise.all([1, 2, 3].map(() => breaker.onOutage(target, REFUSED)));
    const row = await test.one("SELECT breaker_failures FROM storage WHERE id = $1", [
      scene.target.id,
    ]);
    expect(row).toEqual({ breaker_failures: 1 });
    expect(await breaker.admit(scene.key)).toMatchObject({ state: "open" });
    expect(await sweptTargets(scene)).toEqual([]);
    await test.look("UPDATE storage SET breaker_until = now() WHERE id = $1", [scene.target.id]);
    expect(await sweptTargets(scene)).toEqual(["push"]);
    const states = await Promise.all([1, 2, 3, 4].map(() => breaker.admit(scene.key)));
    expect(states.map(({ state }) => state).sort()).toEqual(["open", "open", "open", "probe"]);
    await breaker.onSuccess(target);
    expect(await breaker.admit(scene.key)).toEqual({ state: "closed" });
  });

  it.each([
    { what: "met the outage", code: "unavailable", attempts: 2, since: 1, isNow: true },
    { what: "has often failed, soon", code: "unavailable", attempts: 4, since: 1, isNow: false },
    { what: "met a long outage", code: "unavailable", attempts: 9, since: 60, isNow: true },
    { what: "was refused itself", code: "invalid_input", attempts: 1, since: 60, isNow: false },
  ] as const)("closes, and what $what is due at once: $isNow", async (each) => {
    const scene = await ExportScene.make(test);
    await scene.save();
    const { target, delivery } = await scene.claimOne();
    const { breaker, deliveries } = scene.stores;
    const failure = { code: each.code, message: "no", retryAfterSeconds: 500 };
    await deliveries.failed(scene.key, delivery, failure);
    await breaker.onOutage(target, failure);
    await test.look("UPDATE delivery SET attempts = $2 WHERE target_id = $1", [
      scene.target.id,
      each.attempts,
    ]);
    await test.look(
      "UPDATE storage SET breaker_since = now() - make_interval(secs => $2::int) WHERE id = $1",
      [scene.target.id, each.since],
    );
    expect(await scene.delivery()).toMatchObject({ is_now: false });
    await breaker.onSuccess(target);
    expect(await scene.delivery()).toMatchObject({ is_now: each.isNow });
  });
});

const sweptTargets = async (scene: ExportScene): Promise<string[]> =>
  defined(await sweepTargets(test.db, 1_000))
    .filter(({ targetId }) => targetId === scene.target.id)
    .map(({ kind }) => kind);

describe("ten people that save one annotation at the same moment", () => {
  it("leave the newest revision, whoever pushes when", async () => {
    const scene = await ExportScene.make(test);
    const { annotation } = await scene.save();
    const push = async (): Promise<void> => {
      const { target, deliveries } = await scene.claim();
      for (const delivery of deliveries) {
        const subjects = await scene.stores.deliveries.readSubjects(target, [delivery]);
        const subject = subjects.get(delivery.subjectId);
        if (subject?.type !== "annotation") continue;
        const { revision } = subject.annotation;
        await scene.deliver({ target, delivery }, revision);
      }
    };
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        await scene.save(annotation.id);
        await push();
      }),
    );
    await scene.pushAll();
    expect(await scene.delivery()).toMatchObject({ wanted: 11, delivered: 11, is_due: false });
  });
});
