import { silentLogger } from "@bucketbridge/core";
import { createRelay, makeRecordingLogger, waitFor } from "@bucketbridge/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { QueueBackend } from "./backend.ts";
import { createQueueBackend } from "./backends.ts";
import { createProducer, RING_TIMEOUT_MS, type Producer } from "./producer.ts";
import {
  handlersWith,
  NOTHING_IMPORTED,
  openForReading,
  QUEUE_SERVERS,
  runPayload,
  sendToRedis,
  startPostgresServer,
  startRedisServer,
  type QueueServer,
} from "./testing/queue-harness.ts";
import { createWorker, type WorkerBinding } from "./worker-binding.ts";

/** Timers are late on a busy machine; a hang would be seconds. */
const SLACK_MS = 150;

describe.each(QUEUE_SERVERS)("a producer on $kind", ({ start }) => {
  let server: QueueServer;
  let backend: QueueBackend;
  let producer: Producer;
  const workers: WorkerBinding[] = [];
  const ran: number[] = [];

  beforeAll(async () => {
    server = await start();
    backend = server.connect();
    producer = createProducer(backend, silentLogger);
    await waitFor(() => producer.ring("import.run", runPayload(1)), { timeoutMs: 5_000 });
    await server.wipe();
  });

  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.close(5_000)));
    await server.wipe();
    ran.length = 0;
  });

  afterAll(async () => {
    await producer.close();
    await backend.close();
    await server.stop();
  });

  function work(): void {
    const handlers = handlersWith({
      "import.run": ({ runId }) => {
        ran.push(runId);
        return Promise.resolve(NOTHING_IMPORTED);
      },
    });
    workers.push(createWorker("import", handlers, { backend, concurrency: 2, log: silentLogger }));
  }

  async function countRows(): Promise<number> {
    const queue = openForReading(backend);
    try {
      await backend.whenReady("read");
      return (await queue.getJobs(["prioritized", "waiting", "delayed", "completed"])).length;
    } finally {
      await queue.close();
    }
  }

  it("runs once what is rung twice", async () => {
    expect(await producer.ring("import.run", runPayload(7))).toBe(true);
    expect(await producer.ring("import.run", runPayload(7))).toBe(true);
    expect(await producer.ring("import.run", runPayload(8))).toBe(true);
    expect(await countRows()).toBe(2);
    work();
    await waitFor(() => ran.length === 2, { timeoutMs: 5_000 });
    expect(ran.sort()).toEqual([7, 8]);
  });

  it("runs again what is rung after its job has ended", async () => {
    work();
    for (let round = 1; round <= 3; round++) {
      await producer.ring("import.run", runPayload(7));
      await waitFor(() => ran.length === round, {
        timeoutMs: 5_000,
        what: `round ${String(round)}`,
      });
      await waitFor(async () => (await countRows()) === round, { timeoutMs: 5_000 });
    }
  });

  it("works after the server has forgotten everything", async () => {
    await producer.ring("import.run", runPayload(7));
    await server.wipe();
    work();
    expect(await producer.ring("import.run", runPayload(7))).toBe(true);
    await waitFor(() => ran.includes(7), { timeoutMs: 5_000 });
  });

  it("answers false instead of throwing for data that are not the job's", async () => {
    const before = producer.counts().failed;
    const wrong = { ...runPayload(7), label: "x".repeat(1_000) };
    expect(await producer.ring("import.run", wrong)).toBe(false);
    expect(producer.counts().failed).toBe(before + 1);
  });

  it("starts a job soon after the ring", async () => {
    const startedAt: number[] = [];
    const handlers = handlersWith({
      "import.run": () => {
        startedAt.push(performance.now());
        return Promise.resolve(NOTHING_IMPORTED);
      },
    });
    const worker = createWorker("import", handlers, { backend, concurrency: 2, log: silentLogger });
    workers.push(worker);
    await worker.ready();
    const latencies: number[] = [];
    for (let n = 1; n <= 30; n++) {
      const rungAt = performance.now();
      await producer.ring("import.run", runPayload(n));
      await waitFor(() => startedAt.length === n, { timeoutMs: 5_000, intervalMs: 2 });
      latencies.push((startedAt[n - 1] ?? 0) - rungAt);
    }
    latencies.sort((a, b) => a - b);
    const [median, worst] = [latencies[15] ?? 0, latencies[28] ?? 0];
    process.stderr.write(
      `ring to handler on ${server.kind}: p50 ${median.toFixed(1)} ms, p95 ${worst.toFixed(1)} ms\n`,
    );
    expect(median).toBeLessThan(1_000);
  });
});

describe("a producer whose server is away", () => {
  let server: QueueServer;
  let redisUrl: string;

  beforeAll(async () => {
    server = await startRedisServer();
    ({ redisUrl } = server.options as { redisUrl: string });
  });

  afterAll(() => server.stop());

  async function timeRing(producer: Producer, runId: number): Promise<boolean> {
    const startedAt = performance.now();
    const isRung = await producer.ring("import.run", runPayload(runId));
    expect(performance.now() - startedAt).toBeLessThan(RING_TIMEOUT_MS + SLACK_MS);
    return isRung;
  }

  it("gives up within its time and works once Redis is there", async () => {
    const log = makeRecordingLogger();
    const relay = await createRelay({ host: "127.0.0.1", port: Number(new URL(redisUrl).port) });
    const backend = createQueueBackend({
      redisUrl: `redis://127.0.0.1:${String(relay.port)}`,
      log,
    });
    const producer = createProducer(backend, log);
    expect(await timeRing(producer, 1)).toBe(false);
    expect(await timeRing(producer, 2)).toBe(false);
    expect(log.find("queue.redis.away")).toHaveLength(1);
    expect(producer.counts()).toEqual({ rung: 0, failed: 2 });
    expect(log.find("queue.ring.failed")).toHaveLength(2);

    await relay.up();
    await waitFor(() => timeRing(producer, 1), { timeoutMs: 10_000 });
    expect(log.find("queue.redis.back")).toHaveLength(1);

    await relay.down();
    expect(await timeRing(producer, 2)).toBe(false);
    await relay.up();
    await waitFor(() => timeRing(producer, 2), { timeoutMs: 10_000 });
    expect(log.find("queue.redis.away")).toHaveLength(2);
    await producer.close();
    await backend.close();
    await relay.down();
  });

  it("gives up within its time when Redis hangs", async () => {
    const backend = server.connect();
    const producer = createProducer(backend, silentLogger);
    await waitFor(() => timeRing(producer, 1), { timeoutMs: 5_000 });
    await sendToRedis(redisUrl, "CLIENT PAUSE 1000 ALL");
    expect(await timeRing(producer, 2)).toBe(false);
    await waitFor(() => timeRing(producer, 2), { timeoutMs: 10_000 });
    await producer.close();
    await backend.close();
  });

  it("gives up within its time when PostgreSQL is away, and when it is closed", async () => {
    const databaseUrl = "postgresql://nobody@127.0.0.1:9/none";
    const backend = createQueueBackend({ databaseUrl, log: silentLogger });
    const producer = createProducer(backend, silentLogger);
    for (const runId of [1, 2, 3]) expect(await timeRing(producer, runId)).toBe(false);
    await producer.close();
    expect(await timeRing(producer, 4)).toBe(false);
  });

  it("recovers when PostgreSQL was away at the first ring", async () => {
    const postgres = await startPostgresServer();
    const url = new URL((postgres.options as { databaseUrl: string }).databaseUrl);
    const relay = await createRelay({ host: url.hostname, port: Number(url.port) });
    url.port = String(relay.port);
    const backend = createQueueBackend({ databaseUrl: url.href, log: silentLogger });
    const producer = createProducer(backend, silentLogger);
    expect(await timeRing(producer, 1)).toBe(false);
    await relay.up();
    await waitFor(() => timeRing(producer, 1), { timeoutMs: 10_000 });
    await producer.close();
    await relay.down();
    await postgres.stop();
  });
});
