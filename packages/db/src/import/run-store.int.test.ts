import { describe, expect, it } from "vitest";
import { cancelRun, requestRun } from "../runs/request.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import { aBatch, aPage, makeWorld, TestWorker } from "../testing/world.ts";
import { promoteStorage, sweep } from "./sweep.ts";

const test = useTestDatabase("run_store");
const GIVE_UP = {
  code: "json_invalid",
  message: "broken",
  byteOffset: null,
  retryAfterSeconds: null,
  etag: null,
  content: true,
};

async function aWorker(useBlobUrls = false): Promise<TestWorker> {
  return new TestWorker(test.db, await makeWorld(test.db, { useBlobUrls }));
}

const runOf = (runId: number) =>
  test.one<{
    state: string;
    error_code: string | null;
    error_reason: string | null;
    error_message: string | null;
  }>("SELECT state, error_code, error_reason, error_message FROM run WHERE id = $1", [runId]);

describe("asking for a run", () => {
  it("gives fifty callers at once the same run", async () => {
    const { world } = await aWorker();
    const { organizationId, storageId } = world;
    const request = {
      organizationId,
      storageId,
      kind: "sync",
      trigger: "api",
      actorId: null,
    } as const;
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => requestRun(test.db, request)),
    );
    expect(new Set(answers.map((answer) => answer?.runId)).size).toBe(1);
    expect(answers.filter((answer) => answer?.created)).toHaveLength(1);
    expect(answers.every((answer) => answer?.state === "queued" && answer.number === 1)).toBe(true);
  });

  it("leaves one waiting run per kind while one is active, promoted once when that one ends", async () => {
    const worker = await aWorker();
    const { organizationId, storageId } = worker.world;
    const { run, lease } = await worker.list();
    const request = { organizationId, storageId, trigger: "api", actorId: null } as const;
    const asked = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        requestRun(test.db, { ...request, kind: index % 2 === 0 ? "sync" : "dry_run" }),
      ),
    );
    expect(new Set(asked.map((answer) => answer?.runId)).size).toBe(2);
    expect(asked.every((answer) => answer?.state === "waiting")).toBe(true);
    await worker.page(lease, aPage([]));
    const finishers = await Promise.all(
      Array.from({ length: 5 }, () => worker.stores.runs.finish(run)),
    );
    const winners = finishers.filter((outcome) => outcome !== undefined);
    expect(winners).toHaveLength(1);
    const next = defined(winners[0]?.nextRunId);
    const states = await test.look(
      "SELECT id = $2 AS is_next, state FROM run WHERE storage_id = $1 ORDER BY number",
      [storageId, next],
    );
    expect(states.map(({ state }) => state as string).toSorted()).toEqual([
      "completed",
      "queued",
      "waiting",
    ]);
    expect(states.find(({ is_next }) => is_next === true)).toMatchObject({ state: "queued" });
  });

  it("answers nothing for a storage of another organisation or a deleted one", async () => {
    const [one, other] = [await makeWorld(test.db), await makeWorld(test.db)];
    const request = {
      storageId: other.storageId,
      kind: "sync",
      trigger: "api",
      actorId: null,
    } as const;
    expect(
      await requestRun(test.db, { ...request, organizationId: one.organizationId }),
    ).toBeUndefined();
    await test.look("UPDATE storage SET deleted_at = now() WHERE id = $1", [other.storageId]);
    expect(
      await requestRun(test.db, { ...request, organizationId: other.organizationId }),
    ).toBeUndefined();
  });
});

describe("the end of a run", () => {
  it("comes when everything is listed and loaded, with totals", async () => {
    const worker = await aWorker();
    const { run, lease } = await worker.list();
    await worker.page(lease, aPage(["a", "b"], { endOfUnit: false, skipped: 3 }));
    expect(await worker.stores.runs.finish(run)).toBeUndefined();
    await worker.page(lease, aPage(["c"]));
    expect(await worker.stores.runs.finish(run)).toBeUndefined();
    await worker.loadAll(run, [0, 1]);
    expect(await worker.stores.runs.finish(run)).toEqual({ state: "completed", nextRunId: null });
    expect(await worker.stores.runs.finish(run)).toBeUndefined();
    expect(await worker.stores.runs.progress(run)).toMatchObject({
      state: "completed",
      phase: "final",
      listed: 3,
      created: 3,
      known: 0,
      skipped: 3,
      failed: 0,
      pending: 0,
      tasks: 6,
    });
  });

  it("is failed with the sentence of the first issue when every listed object failed", async () => {
    const worker = await aWorker();
    const { run, lease } = await worker.list();
    const failures = [
      { code: "not_task_file", message: 'File "a.jpg" is not a JSON/JSONL/Parquet file.' },
      { code: "not_task_file", message: 'File "b.jpg" is not a JSON/JSONL/Parquet file.' },
    ];
    await worker.page(lease, aPage(["a.jpg", "b.jpg"], { failures }));
    expect(await worker.stores.runs.finish(run)).toMatchObject({ state: "failed" });
    expect(await runOf(run.runId)).toEqual({
      state: "failed",
      error_code: "corrupt_data",
      error_reason: "not_task_file",
      error_message: 'File "a.jpg" is not a JSON/JSONL/Parquet file.',
    });
  });

  it("is judged by what the run listed: tasks of vanished objects do not help", async () => {
    const worker = await aWorker();
    const first = await worker.list();
    await worker.page(first.lease, aPage(["gone"]));
    await worker.loadAll(first.run);
    await worker.stores.runs.finish(first.run);
    const second = await worker.list();
    await worker.page(second.lease, aPage(["bad"]));
    await worker.stores.loads.fail(second.run, await worker.claimOne(second.run), GIVE_UP);
    expect(await worker.stores.runs.finish(second.run)).toMatchObject({ state: "failed" });
  });

  it("is judged by what the run listed: issues of vanished objects do not harm", async () => {
    const worker = await aWorker();
    const first = await worker.list();
    await worker.page(first.lease, aPage(["bad"]));
    await worker.stores.loads.fail(first.run, await worker.claimOne(first.run), GIVE_UP);
    await worker.stores.runs.finish(first.run);
    const second = await worker.list();
    await worker.page(second.lease, aPage(["good"]));
    await worker.loadAll(second.run);
    expect(await worker.stores.runs.finish(second.run)).toMatchObject({ state: "completed" });
  });

  it("is completed with errors when one known object is fine", async () => {
    const worker = await aWorker();
    const first = await worker.list();
    await worker.page(first.lease, aPage(["good"]));
    await worker.loadAll(first.run);
    await worker.stores.runs.finish(first.run);
    const second = await worker.list();
    await worker.page(second.lease, aPage(["bad", "good"]));
    await worker.stores.loads.fail(second.run, await worker.claimOne(second.run), GIVE_UP);
    expect(await worker.stores.runs.finish(second.run)).toMatchObject({
      state: "completed_with_errors",
    });
  });

  it("is completed for a files run although objects of an older tasks method still wait", async () => {
    const worker = await aWorker(true);
    await test.look(
      `INSERT INTO source_object (organization_id, storage_id, location_version, key, state, next_attempt_at)
       VALUES ($1, $2, 1, 'a', 'pending', now()), ($1, $2, 1, 'elsewhere', 'pending', now())`,
      [worker.world.organizationId, worker.world.storageId],
    );
    const { run, lease } = await worker.list();
    expect(await worker.page(lease, aPage(["a"]))).toMatchObject({ rearmed: 1, created: 0 });
    expect(await worker.stores.runs.finish(run)).toMatchObject({ state: "completed" });
    const row = await test.one(
      "SELECT state, live_tasks FROM source_object WHERE key = 'a' AND storage_id = $1",
      [worker.world.storageId],
    );
    expect(row).toEqual({ state: "done", live_tasks: 1 });
  });
});

describe("failing a run", () => {
  const failure = { code: "permission_denied", reason: null, message: "denied" };

  it("needs the lease that it names", async () => {
    const worker = await aWorker();
    const { run, lease } = await worker.list();
    await worker.stores.scans.releaseUnit(lease);
    expect(await worker.stores.runs.fail(run, failure, lease)).toBeUndefined();
    const again = defined(await worker.stores.scans.takeUnit(run, "other"));
    expect(await worker.stores.runs.fail(run, failure, again)).toEqual({ nextRunId: null });
    expect(await runOf(run.runId)).toMatchObject({
      state: "failed",
      error_code: "permission_denied",
      error_message: "denied",
    });
  });

  it("works without a lease, gives claimed objects back and starts the waiting run", async () => {
    const worker = await aWorker();
    const { run, lease } = await worker.list();
    await worker.page(lease, aPage(["a"]));
    const object = await worker.claimOne(run);
    const waiting = await worker.ask();
    expect(await worker.stores.runs.fail(run, failure, undefined)).toEqual({
      nextRunId: waiting.runId,
    });
    expect(await worker.stores.loads.saveBatch(run, aBatch(object, [0]))).toBeUndefined();
    const taken = defined(await worker.stores.scans.takeUnit(waiting, "w"));
    expect(await worker.page(taken, aPage(["a"]))).toMatchObject({ known: 1 });
    expect(await worker.loadAll(waiting)).toBe(1);
    expect(await worker.stores.runs.finish(waiting)).toMatchObject({ state: "completed" });
    expect(await worker.stores.runs.progress(waiting)).toMatchObject({ tasks: 1, pending: 0 });
  });

  it("does nothing to a run that is over", async () => {
    const worker = await aWorker();
    const { run, lease } = await worker.list();
    await worker.page(lease, aPage([]));
    await worker.stores.runs.finish(run);
    expect(await worker.stores.runs.fail(run, failure, undefined)).toBeUndefined();
    expect(await runOf(run.runId)).toMatchObject({ state: "completed", error_code: null });
  });
});

describe("canceling", () => {
  it("ends a waiting run at once, and a queued one that no worker holds", async () => {
    const worker = await aWorker();
    const { organizationId } = worker.world;
    const queued = await worker.ask();
    await test.look("UPDATE run SET state = 'running' WHERE id = $1", [queued.runId]);
    const waiting = await worker.ask();
    expect(await cancelRun(test.db, waiting)).toEqual({ state: "canceled", nextRunId: null });
    expect(await cancelRun(test.db, { organizationId, runId: queued.runId })).toEqual({
      state: "canceled",
      nextRunId: null,
    });
    expect(await runOf(queued.runId)).toMatchObject({ state: "canceled", error_code: "canceled" });
    expect(await cancelRun(test.db, queued)).toEqual({ state: "canceled", nextRunId: null });
  });

  it("waits for the worker that holds a unit, then starts the waiting run", async () => {
    const worker = await aWorker();
    const { run, lease } = await worker.list();
    const waiting = await worker.ask();
    expect(await cancelRun(test.db, run)).toEqual({ state: "running", nextRunId: null });
    expect(await worker.stores.runs.finish(run)).toBeUndefined();
    await worker.stores.scans.releaseUnit(lease);
    expect(await worker.stores.runs.finish(run)).toEqual({
      state: "canceled",
      nextRunId: waiting.runId,
    });
  });

  it("waits for the worker that loads an object", async () => {
    const worker = await aWorker();
    const { run, lease } = await worker.list();
    await worker.page(lease, aPage(["a"]));
    const object = await worker.claimOne(run);
    await cancelRun(test.db, run);
    expect(await worker.stores.runs.finish(run)).toBeUndefined();
    await worker.stores.loads.release(run, [object]);
    expect(await worker.stores.runs.finish(run)).toMatchObject({ state: "canceled" });
  });

  it("knows no run of another organisation", async () => {
    const [worker, other] = [await aWorker(), await aWorker()];
    const run = await worker.ask();
    expect(
      await cancelRun(test.db, { ...run, organizationId: other.world.organizationId }),
    ).toBeUndefined();
  });

  it("is not answered with a queued run that somebody canceled", async () => {
    const worker = await aWorker();
    const first = await worker.ask();
    await test.look("UPDATE run SET cancel_requested = true WHERE id = $1", [first.runId]);
    expect((await worker.ask()).runId).not.toBe(first.runId);
  });
});

describe("retry", () => {
  it("reads failed objects again without listing, content failures too", async () => {
    const worker = await aWorker();
    const first = await worker.list();
    await worker.page(first.lease, aPage(["bad", "good"]));
    const [bad, good] = [await worker.claimOne(first.run), await worker.claimOne(first.run)];
    await worker.stores.loads.fail(first.run, bad, GIVE_UP);
    await worker.stores.loads.saveBatch(first.run, aBatch(good, [0]));
    await worker.stores.runs.finish(first.run);
    const retry = await worker.ask("retry");
    expect(await worker.stores.runs.progress(retry)).toMatchObject({
      state: "running",
      phase: "loading",
      pending: 1,
    });
    expect(await worker.stores.scans.takeUnit(retry, "w")).toBeUndefined();
    expect(await worker.loadAll(retry)).toBe(1);
    expect(await worker.stores.runs.finish(retry)).toMatchObject({ state: "completed" });
  });

  it("stays failed while nothing of the storage was ever loaded", async () => {
    const worker = await aWorker();
    const first = await worker.list();
    await worker.page(first.lease, aPage(["bad"]));
    await worker.stores.loads.fail(first.run, await worker.claimOne(first.run), GIVE_UP);
    expect(await worker.stores.runs.finish(first.run)).toMatchObject({ state: "failed" });
    const retry = await worker.ask("retry");
    await worker.stores.loads.fail(retry, await worker.claimOne(retry), GIVE_UP);
    expect(await worker.stores.runs.finish(retry)).toMatchObject({ state: "failed" });
  });

  it("is completed at once when nothing failed", async () => {
    const worker = await aWorker();
    const retry = await worker.ask("retry");
    expect(await worker.stores.runs.finish(retry)).toMatchObject({ state: "completed" });
  });
});

describe("sweep", () => {
  const findingsOf = async (storageId: number) =>
    defined(await sweep(test.db, 1_000))
      .filter((finding) => finding.storageId === storageId)
      .map(({ kind, runId }) => [kind, runId]);

  it("rings for a queued run, an expired unit, due objects and a run that only has to finish", async () => {
    const worker = await aWorker();
    const { storageId } = worker.world;
    const run = await worker.ask();
    expect(await findingsOf(storageId)).toEqual([["scan", run.runId]]);
    const lease = defined(await worker.stores.scans.takeUnit(run, "w"));
    expect(await findingsOf(storageId)).toEqual([]);
    await worker.page(lease, aPage(["a"]));
    expect(await findingsOf(storageId)).toEqual([["load", run.runId]]);
    const object = await worker.claimOne(run);
    expect(await findingsOf(storageId)).toEqual([]);
    await worker.stores.loads.saveBatch(run, aBatch(object, [0]));
    expect(await findingsOf(storageId)).toEqual([["finish", run.runId]]);
    await worker.stores.runs.finish(run);
    expect(await findingsOf(storageId)).toEqual([]);
  });

  it("finds a waiting run that nobody promoted", async () => {
    const worker = await aWorker();
    const { organizationId, storageId } = worker.world;
    const run = await worker.ask();
    await test.look("UPDATE run SET state = 'waiting' WHERE id = $1", [run.runId]);
    await test.look("DELETE FROM scan_unit WHERE run_id = $1", [run.runId]);
    expect(await findingsOf(storageId)).toEqual([["promote", run.runId]]);
    expect(await promoteStorage(test.db, { organizationId, storageId })).toBe(run.runId);
    expect(await findingsOf(storageId)).toEqual([["scan", run.runId]]);
  });

  it("asks to finish a canceled run", async () => {
    const worker = await aWorker();
    const { run } = await worker.list();
    await cancelRun(test.db, run);
    expect(await findingsOf(worker.world.storageId)).toEqual([["finish", run.runId]]);
  });

  it.each(["storage", "project"])("ends the runs of a deleted %s", async (table) => {
    const worker = await aWorker();
    const { run } = await worker.list();
    const id = table === "storage" ? worker.world.storageId : worker.world.projectId;
    await test.look(`UPDATE ${table} SET deleted_at = now() WHERE id = $1`, [id]);
    expect(await findingsOf(worker.world.storageId)).toEqual([]);
    expect(await runOf(run.runId)).toMatchObject({
      state: "canceled",
      error_reason: "storage_deleted",
    });
  });

  it("carries what a label is made of", async () => {
    const worker = await aWorker();
    await worker.ask();
    const finding = defined(await sweep(test.db, 1_000)).find(
      ({ storageId }) => storageId === worker.world.storageId,
    );
    expect(finding).toMatchObject({
      organizationId: worker.world.organizationId,
      number: 1,
      provider: "s3",
      title: null,
    });
  });
});

describe("snapshot and heartbeat", () => {
  it("shows a run of its own organisation only", async () => {
    const [worker, other] = [await aWorker(), await aWorker()];
    const { run } = await worker.list();
    expect(await worker.stores.runs.find(run)).toMatchObject({
      kind: "sync",
      number: 1,
      state: "running",
      cancelRequested: false,
    });
    const foreign = { ...run, organizationId: other.world.organizationId };
    expect(await worker.stores.runs.find(foreign)).toBeUndefined();
    expect(await worker.stores.runs.progress(foreign)).toBeUndefined();
  });

  it("moves the heartbeat of a running run", async () => {
    const worker = await aWorker();
    const { run } = await worker.list();
    await test.look("UPDATE run SET heartbeat_at = now() - interval '1 hour' WHERE id = $1", [
      run.runId,
    ]);
    await worker.stores.runs.heartbeat(run);
    const { age } = await test.one<{ age: number }>(
      "SELECT extract(epoch FROM clock_timestamp() - heartbeat_at)::float8 AS age FROM run WHERE id = $1",
      [run.runId],
    );
    expect(age).toBeLessThan(60);
  });
});
