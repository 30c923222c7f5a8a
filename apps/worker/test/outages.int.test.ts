import { setTimeout as pause } from "node:timers/promises";
import { Secret } from "@bucketbridge/core";
import { createRelay, makeRecordingLogger, testRedisUrl, waitFor } from "@bucketbridge/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { useWorld, type World } from "./harness.ts";

const OBJECTS = 4_000;

const getWorld = useWorld("worker_outages");
let world: World;
let buckets = 0;
let bucket = "";

beforeEach(() => {
  world = getWorld();
  buckets++;
  bucket = `bucket-${String(buckets)}`;
  for (let n = 0; n < OBJECTS; n++) {
    world.buckets.bucket(bucket).write(`${String(n).padStart(5, "0")}.jpg`, Buffer.from("x"));
  }
  // Twenty pages of 100 ms: long enough for what happens meanwhile.
  world.buckets.plan(bucket, { before: ({ ctx }) => world.pause(100, ctx.signal) });
});

/** A unit whose release was cut off too is free again when its lease ends. */
const SMALL_PAGES = { engine: { pageSize: 200, yieldMs: 300, leaseSeconds: 4.5 } };

/** As a restart of the server does it. Gives the number of connections of the worker. */
async function cutConnections(): Promise<number> {
  const rows = await world.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'bucketbridge worker'`,
  );
  return rows.length;
}

async function expectEverythingOnce(storageId: number, runId: number): Promise<void> {
  const run = await world.waitForEnd(runId, { timeoutMs: 25_000 });
  expect(run).toMatchObject({ state: "completed", created: OBJECTS });
  expect(await world.countTasks(storageId)).toEqual({ tasks: OBJECTS, distinct: OBJECTS });
}

describe("a run goes on", () => {
  it("after its connections to PostgreSQL were cut, again and again", async () => {
    await world.startWorker(SMALL_PAGES);
    const storageId = await world.addSource({ bucket });
    const { runId } = await world.request(storageId);
    await waitFor(async () => (await world.find(runId))?.state === "running", { timeoutMs: 5_000 });
    for (let n = 0; n < 3; n++) {
      await pause(200);
      await waitFor(async () => (await cutConnections()) > 0, { timeoutMs: 10_000 });
    }
    await expectEverythingOnce(storageId, runId);
  });

  it.skipIf(testRedisUrl() === undefined)("after Redis was away", async () => {
    const { hostname: host, port } = new URL(world.redis?.url ?? "");
    const relay = await createRelay({ host, port: Number(port) });
    await relay.up();
    const log = makeRecordingLogger();
    const redisUrl = new Secret(`redis://127.0.0.1:${String(relay.port)}`);
    await world.startWorker({ ...SMALL_PAGES, redisUrl, log });
    const storageId = await world.addSource({ bucket });
    const { runId } = await world.request(storageId);
    await waitFor(async () => (await world.find(runId))?.state === "running", { timeoutMs: 5_000 });
    for (let n = 0; n < 2; n++) {
      await relay.down();
      await pause(400);
      await relay.up();
      await pause(400);
    }
    await expectEverythingOnce(storageId, runId);
    expect(log.find("queue.redis.away").length).toBeGreaterThan(0);
    expect(log.find("worker.crashed")).toEqual([]);
    await world.stopWorkers();
    await relay.down();
  });
});
