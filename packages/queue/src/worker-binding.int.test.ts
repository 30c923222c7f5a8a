import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AppError, silentLogger } from "@bucketbridge/core";
import { makeRecordingLogger, waitFor } from "@bucketbridge/testkit";
import type { Job, Queue } from "bullmq";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { QueueBackend } from "./backend.ts";
import { openBoard } from "./board.ts";
import { countJobs } from "./job-counts.ts";
import { Yield, type JobHandlers } from "./job-table.ts";
import { createProducer, type Producer } from "./producer.ts";
import {
  handlersWith,
  NOTHING_IMPORTED,
  openForReading,
  QUEUE_SERVERS,
  runPayload,
  type QueueServer,
} from "./testing/queue-harness.ts";
import { createWorker, type TurnReport, type WorkerBinding } from "./worker-binding.ts";

const HANGING_WORKER = fileURLToPath(new URL("testing/hanging-worker.ts", import.meta.url));

describe.each(QUEUE_SERVERS)("a worker on $kind", ({ start }) => {
  let server: QueueServer;
  let backend: QueueBackend;
  let producer: Producer;
  let queue: Queue;
  const workers: WorkerBinding[] = [];
  const turns: TurnReport[] = [];
  const log = makeRecordingLogger();

  beforeAll(async () => {
    server = await start();
    backend = server.connect();
    producer = createProducer(backend, silentLogger);
    queue = openForReading(backend);
    await backend.whenReady("read");
    await waitFor(() => producer.ring("import.run", runPayload(1)), { timeoutMs: 5_000 });
    await server.wipe();
  });

  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.close(5_000)));
    await server.wipe();
    turns.length = 0;
  });

  afterAll(async () => {
    await queue.close();
    await producer.close();
    await backend.close();
    await server.stop();
  });

  function work(handlers: Partial<JobHandlers<"import">>, concurrency = 1): WorkerBinding {
    const worker = createWorker("import", handlersWith(handlers), {
      backend,
      concurrency,
      log,
      lockMs: 1_000,
      stalledIntervalMs: 200,
      onTurn: (turn) => turns.push(turn),
    });
    workers.push(worker);
    return worker;
  }

  async function onlyJob(state: "completed" | "failed" | "delayed" | "active"): Promise<Job> {
    const what = `one job that is ${state}`;
    const jobs = await waitFor(
      async () => {
        const found = (await queue.getJobs([state])) as (Job | undefined)[];
        return found.length === 1 && found[0] !== undefined ? found : undefined;
      },
      { timeoutMs: 10_000, what },
    );
    return jobs[0] as Job;
  }

  it("completes a job with its result, and shows progress and log lines", async () => {
    work({
      "import.run": (_payload, context) => {
        context.progress({ phase: "listing", listed: 1_000 });
        context.jobLog("listing");
        context.jobLog("loading");
        context.progress({ phase: "loading", listed: 2_000 });
        return Promise.resolve({ ...NOTHING_IMPORTED, created: 2_000 });
      },
    });
    await producer.ring("import.run", runPayload(17));
    const job = await onlyJob("completed");
    expect(job.returnvalue).toEqual({ ...NOTHING_IMPORTED, created: 2_000 });
    expect(job.progress).toEqual({ phase: "loading", listed: 2_000 });
    const { logs } = await queue.getJobLogs(job.id ?? "");
    expect(logs.map((line) => line.split(" ")[1])).toEqual(["listing", "loading"]);
    const board = openBoard(backend);
    expect(board.title(job.data)).toBe("import · s3 cats · run 17");
    expect(board.href(job.data)).toBe("/api/v1/runs/17");
    const counts = await countJobs(board.queues);
    expect(counts).toContainEqual({ queue: "import", state: "completed", count: 1 });
    await board.close();
  });

  it("fails a job with code and safe text, without a stack", async () => {
    work({
      "import.run": () => {
        const cause = new TypeError("secret hunter2");
        const message = "s3://cats refused the key; renew the credentials";
        return Promise.reject(new AppError({ code: "unauthenticated", message, cause }));
      },
    });
    await producer.ring("import.run", runPayload(17));
    const job = await onlyJob("failed");
    expect(job.failedReason).toBe(
      "unauthenticated: s3://cats refused the key; renew the credentials",
    );
    expect(job.attemptsMade).toBe(1);
    expect(JSON.stringify(job.stacktrace)).not.toMatch(/hunter2|\.ts/);
  });

  it("can ring a run whose job has failed", async () => {
    let calls = 0;
    work({
      "import.run": () => {
        calls++;
        return Promise.reject(new AppError({ code: "unsupported", message: "no" }));
      },
    });
    await producer.ring("import.run", runPayload(17));
    await onlyJob("failed");
    await producer.ring("import.run", runPayload(17));
    await waitFor(() => calls === 2, { timeoutMs: 5_000 });
  });

  it("retries with a counted attempt, and rate limits without", async () => {
    const attempts: number[] = [];
    const errors = [
      new AppError({ code: "rate_limited", message: "slow down", retryAfterMs: 20 }),
      new AppError({ code: "unavailable", message: "503" }),
    ];
    work({
      "import.run": (_payload, { attempt }) => {
        attempts.push(attempt);
        const error = errors.shift();
        return error === undefined ? Promise.resolve(NOTHING_IMPORTED) : Promise.reject(error);
      },
    });
    await producer.ring("import.run", runPayload(17));
    await onlyJob("completed");
    expect(attempts).toEqual([1, 1, 2]);
    expect(turns.map((turn) => turn.end)).toEqual(["delayed", "retried", "completed"]);
  });

  it("lets runs that yield take turns, in one row each", async () => {
    const turnsOf: number[] = [];
    const rounds = 5;
    const gate = Promise.withResolvers<undefined>();
    work({
      "import.run": async ({ runId }) => {
        await gate.promise;
        turnsOf.push(runId);
        const isDone = turnsOf.filter((id) => id === runId).length > rounds;
        return isDone ? NOTHING_IMPORTED : new Yield({ delayMs: 0 });
      },
    });
    for (const runId of [1, 2, 3]) await producer.ring("import.run", runPayload(runId));
    gate.resolve(undefined);
    await waitFor(async () => (await queue.getCompletedCount()) === 3, { timeoutMs: 10_000 });
    expect(turnsOf).toHaveLength(3 * (rounds + 1));
    // Nobody is ever two turns ahead of anybody.
    for (let at = 1; at <= turnsOf.length; at++) {
      const seen = [1, 2, 3].map((id) => turnsOf.slice(0, at).filter((run) => run === id).length);
      expect(Math.max(...seen) - Math.min(...seen)).toBeLessThanOrEqual(1);
    }
    const jobs = await queue.getJobs(["completed"]);
    expect(jobs.map((job) => job.attemptsMade)).toEqual([1, 1, 1]);
  });

  it("runs a job again that yielded for a fraction of a millisecond more", async () => {
    let turns = 0;
    work({
      "import.run": () => {
        turns++;
        return Promise.resolve(turns > 1 ? NOTHING_IMPORTED : new Yield({ delayMs: 20.25 }));
      },
    });
    await producer.ring("import.run", runPayload(1));
    await waitFor(async () => (await queue.getCompletedCount()) === 1, { timeoutMs: 10_000 });
    expect(turns).toBe(2);
  });

  it("serves jobs in the order of the places that they were given, fresh ones first", async () => {
    const order: number[] = [];
    const gate = Promise.withResolvers<undefined>();
    const places = new Map([
      [1, 4_000_000_000 / 2],
      [2, 5],
      [3, 6],
    ]);
    work({
      "import.run": async ({ runId }, { place }) => {
        await gate.promise;
        order.push(runId);
        const given = new Yield({ delayMs: 0, place: places.get(runId) });
        return place === undefined ? given : NOTHING_IMPORTED;
      },
    });
    for (const runId of [1, 3, 2]) await producer.ring("import.run", runPayload(runId));
    gate.resolve(undefined);
    await waitFor(() => order.length === 6, { timeoutMs: 5_000 });
    expect(order).toEqual([1, 3, 2, 2, 3, 1]);
  });

  it("delays a job that it does not know, and one of a newer version", async () => {
    await queue.add("import.rebalance", { v: 1 });
    await queue.add("import.run", { ...runPayload(17), v: 2 });
    let calls = 0;
    work({
      "import.run": () => {
        calls++;
        return Promise.resolve(NOTHING_IMPORTED);
      },
    });
    await waitFor(async () => (await queue.getDelayedCount()) === 2, { timeoutMs: 5_000 });
    expect(calls).toBe(0);
    expect(await queue.getFailedCount()).toBe(0);
    expect(log.find("queue.job.unknown")).toHaveLength(2);
  });

  it("ignores a field that a newer producer added, and fails data that are wrong", async () => {
    const payloads: unknown[] = [];
    work({
      "import.run": (payload) => {
        payloads.push(payload);
        return Promise.resolve(NOTHING_IMPORTED);
      },
    });
    await queue.add("import.run", { ...runPayload(17), hint: "newer" });
    await onlyJob("completed");
    expect(payloads).toEqual([runPayload(17)]);
    await queue.add("import.run", { ...runPayload(17), runId: "hunter2" });
    const failed = await onlyJob("failed");
    expect(failed.failedReason).toBe("invalid_input: the job's data are not valid: runId");
  });

  it("runs the job of a killed worker again, also when it was rung meanwhile", async () => {
    await producer.ring("import.run", runPayload(17));
    const child = spawn(process.execPath, [HANGING_WORKER, JSON.stringify(server.options)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    await new Promise<void>((resolve) =>
      child.once("message", () => {
        resolve();
      }),
    );
    child.kill("SIGKILL");
    expect(await producer.ring("import.run", runPayload(17))).toBe(true);
    let calls = 0;
    work({
      "import.run": () => {
        calls++;
        return Promise.resolve(NOTHING_IMPORTED);
      },
    });
    const job = await onlyJob("completed");
    expect(calls).toBe(1);
    expect(job.attemptsMade).toBe(1);
  });

  it("survives a server that forgets the job while it runs", async () => {
    const gate = Promise.withResolvers<undefined>();
    const ran: number[] = [];
    work({
      "import.run": async ({ runId }, context) => {
        if (runId === 17) await gate.promise;
        context.progress({ listed: 1 });
        ran.push(runId);
        return runId === 18 && ran.length < 3 ? new Yield({ delayMs: 0 }) : NOTHING_IMPORTED;
      },
    });
    await producer.ring("import.run", runPayload(17));
    await onlyJob("active");
    await server.wipe();
    expect(await producer.ring("import.run", runPayload(18))).toBe(true);
    gate.resolve(undefined);
    await waitFor(() => ran.length === 3, {
      timeoutMs: 10_000,
      what: "the run that was rung anew",
    });
    expect(ran).toEqual([17, 18, 18]);
  });

  it("hands its jobs over when it closes, at once and uncounted", async () => {
    const first = work({
      "import.run": (_payload, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reject(signal.reason as AppError);
          });
        }),
    });
    await producer.ring("import.run", runPayload(17));
    await onlyJob("active");
    const startedAt = performance.now();
    expect(await first.close(5_000)).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    let attempt = 0;
    work({
      "import.run": (_payload, context) => {
        attempt = context.attempt;
        return Promise.resolve(NOTHING_IMPORTED);
      },
    });
    await onlyJob("completed");
    expect(attempt).toBe(1);
  });

  it("does not wait for a handler that ignores the shutdown", async () => {
    const worker = work({ "import.run": () => new Promise(() => undefined) });
    await producer.ring("import.run", runPayload(17));
    await onlyJob("active");
    expect(await worker.close(200)).toBe(false);
  });
});
