import { spawnSync } from "node:child_process";
import { AppError, silentLogger } from "@bucketbridge/core";
import { importLabel, isFinalState } from "@bucketbridge/contracts";
import { createRunRepository } from "@bucketbridge/db";
import { createProducer, createQueueBackend } from "@bucketbridge/queue";
import { startRedis, waitFor } from "@bucketbridge/testkit";
import type { BenchDatabase } from "./bench-database.ts";
import { withFreshDatabase } from "./product-arms.ts";
import type { Bench } from "./section.ts";
import { BenchWorker } from "./worker-process.ts";

const RUN_TIMEOUT_MS = 30 * 60_000;
const POLL_MS = 100;

/** Real worker processes on a database and a queue that nobody used before. */
export interface WorkerWorld {
  readonly database: BenchDatabase;
  /** Where jobs are kept. Undefined: in PostgreSQL. */
  readonly redisUrl: string | undefined;
  readonly workers: readonly BenchWorker[];
  /** Asks for a sync as the API does and waits for its end. Rejects when it did not complete. */
  readonly sync: (storageId: number) => Promise<void>;
}

/** Which workers, and where their jobs are kept: where they are best kept unless told otherwise. */
export interface WorkerWorldOptions {
  readonly group?: "import" | "export";
  readonly queue?: "redis" | "postgres";
}

/** Gives `work` such a world with `count` workers that are ready, and ends it. */
export async function withWorkers(
  bench: Bench,
  count: number,
  work: (world: WorkerWorld) => Promise<void>,
  { group = "import", queue = hasRedis() ? "redis" : "postgres" }: WorkerWorldOptions = {},
): Promise<void> {
  await withQueue(queue, (redisUrl) =>
    withFreshDatabase(bench, async (database) => {
      const { secretKeys } = bench.cluster;
      const environment = { databaseUrl: database.url, secretKeys, redisUrl, group };
      const workers = await Promise.all(
        Array.from({ length: count }, () => BenchWorker.start(environment)),
      );
      try {
        const sync = (storageId: number): Promise<void> =>
          syncThroughQueue(database, storageId, redisUrl);
        await work({ database, redisUrl, workers, sync });
      } finally {
        await Promise.all(workers.map((worker) => worker.stop()));
      }
    }),
  );
}

/** Gives `work` a queue that nobody used before: the URL of a Redis, or undefined for one in the database. */
export async function withQueue(
  queue: "redis" | "postgres",
  work: (redisUrl: string | undefined) => Promise<void>,
): Promise<void> {
  const redis = queue === "redis" ? await startRedis() : undefined;
  try {
    await work(redis?.url);
  } finally {
    await redis?.stop();
  }
}

/** One of our own: in a shared one, other workers would take the jobs. */
export function hasRedis(): boolean {
  return spawnSync("redis-server", ["--version"]).error === undefined;
}

async function syncThroughQueue(
  bench: BenchDatabase,
  storageId: number,
  redisUrl: string | undefined,
): Promise<void> {
  const { organizationId, database, url } = bench;
  const backend = createQueueBackend({ redisUrl, databaseUrl: url, log: silentLogger });
  const producer = createProducer(backend, silentLogger);
  try {
    const runId = await bench.requestSync(storageId);
    const label = importLabel({ provider: "s3", title: "bench", number: 1 });
    await producer.ring("import.run", { v: 1, organizationId, runId, label });
    const runs = createRunRepository(database);
    const run = await waitFor(
      async () => {
        const found = await runs.find(organizationId, runId);
        return found !== undefined && isFinalState(found.state) ? found : undefined;
      },
      { timeoutMs: RUN_TIMEOUT_MS, intervalMs: POLL_MS, what: "the run to end" },
    );
    if (run.state === "completed") return;
    throw new AppError({ code: "internal", message: `the run ended as ${run.state}` });
  } finally {
    await producer.close();
    await backend.close();
  }
}
