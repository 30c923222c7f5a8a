import { waitFor } from "@bucketbridge/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { useWorld, type World } from "./harness.ts";

const getWorld = useWorld("worker_lost_rings");
let world: World;
let buckets = 0;
let bucket = "";

beforeEach(async () => {
  world = getWorld();
  buckets++;
  bucket = `bucket-${String(buckets)}`;
  for (let n = 0; n < 3_000; n++) {
    world.buckets.bucket(bucket).write(`${String(n).padStart(5, "0")}.jpg`, Buffer.from("x"));
  }
  await world.wipeQueue();
});

describe("the sweep", () => {
  it("rings for a run whose ring got lost", async () => {
    const storageId = await world.addSource({ bucket });
    const { runId } = await world.request(storageId, { isRung: false });
    await world.startWorker();
    expect(await world.waitForEnd(runId)).toMatchObject({ state: "completed", created: 3_000 });
  });

  it("rings anew after the queue was wiped in the middle of a run", async () => {
    const storageId = await world.addSource({ bucket });
    let pages = 0;
    world.buckets.plan(bucket, {
      before: async ({ method }) => {
        if (method === "listPage" && ++pages === 2) await world.wipeQueue();
      },
    });
    // Turns of one page, so that the run needs the queue after it was wiped.
    await world.startWorker({ engine: { yieldMs: 0, pageSize: 500 } });
    const { runId } = await world.request(storageId);
    expect(await world.waitForEnd(runId)).toMatchObject({ state: "completed", created: 3_000 });
    expect(await world.countTasks(storageId)).toEqual({ tasks: 3_000, distinct: 3_000 });
  });

  it("promotes a waiting run that nobody promoted", async () => {
    const storageId = await world.addSource({ bucket });
    const { runId } = await world.request(storageId, { isRung: false });
    await world.query(`UPDATE run SET state = 'waiting' WHERE id = ${String(runId)}`);
    await world.query(`DELETE FROM scan_unit WHERE run_id = ${String(runId)}`);
    await world.startWorker();
    expect(await world.waitForEnd(runId)).toMatchObject({ state: "completed", created: 3_000 });
  });

  it("ends a canceled run without any job", async () => {
    const storageId = await world.addSource({ bucket });
    const { runId } = await world.request(storageId, { isRung: false });
    await world.query(
      `UPDATE run SET state = 'running', cancel_requested = true WHERE id = ${String(runId)}`,
    );
    await world.startWorker({ groups: [] });
    expect(await world.waitForEnd(runId)).toMatchObject({ state: "canceled" });
  });

  it("is done by one worker at a time", async () => {
    const worker = await world.startWorker({ groups: [] });
    const other = await world.startWorker({ groups: [] });
    await world.database.inMaintenance(async (tx) => {
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(7202611)`;
      expect(await worker.deps.sweeps.sweep()).toBeUndefined();
      expect(await other.deps.sweeps.sweep()).toBeUndefined();
    });
    await waitFor(async () => (await worker.deps.sweeps.sweep()) !== undefined, {
      timeoutMs: 5_000,
    });
  });
});
