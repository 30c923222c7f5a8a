import { cancelRun, createStorageRepository } from "@bucketbridge/db";
import { waitFor } from "@bucketbridge/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { useWorld, type World } from "./harness.ts";

const getWorld = useWorld("worker_interruptions");
let world: World;
let buckets = 0;
let bucket = "";

beforeEach(() => {
  world = getWorld();
  buckets++;
  bucket = `bucket-${String(buckets)}`;
});

function putImages(from: number, to: number): void {
  for (let n = from; n < to; n++) {
    world.buckets.bucket(bucket).write(`${String(n).padStart(5, "0")}.jpg`, Buffer.from("x"));
  }
}

/** Holds the listing at page `page` (1, 2, …): resolves when it is reached, goes on after `release`. */
function holdAtPage(page: number): { reached: Promise<undefined>; release: () => void } {
  const reached = Promise.withResolvers<undefined>();
  const gate = Promise.withResolvers<undefined>();
  let pages = 0;
  world.buckets.plan(bucket, {
    before: async ({ method }) => {
      if (method !== "listPage" || ++pages !== page) return;
      reached.resolve(undefined);
      await gate.promise;
    },
  });
  return {
    reached: reached.promise,
    release: () => {
      gate.resolve(undefined);
    },
  };
}

describe("a run that somebody interrupts", () => {
  it("ends as canceled and keeps what is there", async () => {
    putImages(0, 5_000);
    const storageId = await world.addSource({ bucket });
    const held = holdAtPage(3);
    await world.startWorker();
    const { runId } = await world.request(storageId);
    await held.reached;
    const { organizationId } = world.tenant;
    const outcome = await cancelRun(world.database, { organizationId, runId });
    expect(outcome?.state).toBe("running");
    held.release();
    expect(await world.waitForEnd(runId)).toMatchObject({ state: "canceled" });
    const { tasks } = await world.countTasks(storageId);
    expect(tasks).toBeGreaterThan(0);
    expect(tasks).toBeLessThan(5_000);
    const again = await world.waitForEnd((await world.request(storageId)).runId);
    expect(again.state).toBe("completed");
    expect(await world.countTasks(storageId)).toEqual({ tasks: 5_000, distinct: 5_000 });
  });

  it("starts anew at the new place when the settings change", async () => {
    putImages(0, 3_000);
    const other = `${bucket}-moved`;
    world.buckets.bucket(other).write("only.jpg", Buffer.from("x"));
    const storageId = await world.addSource({ bucket });
    const held = holdAtPage(2);
    await world.startWorker();
    const { runId } = await world.request(storageId);
    await held.reached;
    const storages = createStorageRepository(world.database);
    const filter = { direction: "source" } as const;
    const before = await storages.find(world.tenant.organizationId, storageId, filter);
    if (before === undefined) throw new Error("the storage is gone");
    const { title, description, prefix, regexFilter, useBlobUrls, presign, presignTtl } = before;
    const kept = { title, description, prefix, regexFilter, useBlobUrls, presign, presignTtl };
    const { recursiveScan, synchronizable } = before;
    const updated = await storages.update(world.tenant.organizationId, storageId, {
      fields: { ...kept, recursiveScan, synchronizable, settings: { bucket: other } },
      secrets: undefined,
      settingsVersion: before.settingsVersion,
      effect: "move",
    });
    held.release();
    expect(await world.waitForEnd(runId)).toMatchObject({
      state: "canceled",
      errorReason: "settings_changed",
    });
    const next = updated?.nextRunId ?? 0;
    await world.ring(next);
    expect(await world.waitForEnd(next)).toMatchObject({ state: "completed", created: 1 });
    const [moved] = await world.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM source_object o JOIN storage s ON s.id = o.storage_id
       WHERE s.id = ${String(storageId)} AND o.location_version = s.location_version`,
    );
    expect(moved?.count).toBe(1);
  });

  it("ends with its storage", async () => {
    putImages(0, 3_000);
    const storageId = await world.addSource({ bucket });
    const held = holdAtPage(2);
    await world.startWorker();
    const { runId } = await world.request(storageId);
    await held.reached;
    await createStorageRepository(world.database).remove(world.tenant.organizationId, storageId);
    held.release();
    await waitFor(
      async () => {
        const jobs = await world.jobs();
        return jobs.find((job) => job.data.runId === runId)?.state === "completed";
      },
      { timeoutMs: 10_000, what: "the job to end" },
    );
    const [run] = await world.query<{ state: string }>(
      `SELECT state FROM run WHERE id = ${String(runId)}`,
    );
    expect(run?.state).toBe("canceled");
  });

  it("leaves its tasks when its storage is purged", async () => {
    putImages(0, 300);
    const storageId = await world.addSource({ bucket });
    await world.startWorker();
    await world.waitForEnd((await world.request(storageId)).runId);
    await world.stopWorkers();
    await createStorageRepository(world.database).remove(world.tenant.organizationId, storageId);
    await world.query(
      `UPDATE storage SET deleted_at = now() - interval '1 hour' WHERE id = ${String(storageId)}`,
    );
    const [before] = await world.query<{ tasks: number }>(
      "SELECT count(*)::int AS tasks FROM task",
    );
    await world.startWorker();
    const countLeft = async (): Promise<number | undefined> => {
      const [left] = await world.query<{ rows: number }>(
        `SELECT (SELECT count(*) FROM source_object WHERE storage_id = ${String(storageId)})::int
              + (SELECT count(*) FROM storage WHERE id = ${String(storageId)})::int AS rows`,
      );
      return left?.rows;
    };
    await waitFor(async () => (await countLeft()) === 0, { timeoutMs: 10_000 });
    const [after] = await world.query<{ tasks: number }>("SELECT count(*)::int AS tasks FROM task");
    expect(after).toEqual(before);
  });

  it("is handed over when its worker shuts down, long before the lease ends", async () => {
    putImages(0, 5_000);
    const storageId = await world.addSource({ bucket });
    const held = holdAtPage(3);
    const first = await world.startWorker();
    const { runId } = await world.request(storageId);
    await held.reached;
    await world.database.inMaintenance(async (tx) => {
      // The lease cannot be given back while we look at a worker that is shutting down.
      await tx.$executeRaw`SELECT FROM scan_unit WHERE run_id = ${runId} FOR UPDATE`;
      void first.stop();
      const ready = await fetch(`http://127.0.0.1:${String(first.healthPort)}/readyz`);
      expect(ready.status).toBe(503);
    });
    expect(await first.stop()).toBe(true);
    held.release();
    await world.startWorker();
    const run = await world.waitForEnd(runId, { timeoutMs: 10_000 });
    expect(run).toMatchObject({ state: "completed", created: 5_000 });
    expect(await world.countTasks(storageId)).toEqual({ tasks: 5_000, distinct: 5_000 });
  });

  it("fails with its job when the secrets cannot be read, instead of being tried for ever", async () => {
    const storageId = await world.addSource({ bucket, secrets: { token: "hunter2" } });
    await world.query(`UPDATE storage SET secrets = '\\x00' WHERE id = ${String(storageId)}`);
    await world.startWorker();
    const { runId } = await world.request(storageId);
    expect(await world.waitForEnd(runId)).toMatchObject({
      state: "failed",
      errorCode: "invalid_config",
    });
    const job = await waitFor(
      async () =>
        (await world.jobs()).find((one) => one.data.runId === runId && one.state === "failed"),
      { timeoutMs: 5_000 },
    );
    expect(job.failedReason).toContain("invalid_config");
  });
});
