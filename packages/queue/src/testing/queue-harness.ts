import { createConnection } from "node:net";
import { withPgClient } from "@bucketbridge/db";
import { Secret, silentLogger, type Logger } from "@bucketbridge/core";
import type { PayloadOf, QueueName } from "@bucketbridge/contracts";
import { cloneDatabase, startRedis, type TestDatabase } from "@bucketbridge/testkit";
import type { Queue } from "bullmq";
import type { QueueBackend } from "../backend.ts";
import type { JobHandlers } from "../job-table.ts";
import { createQueueBackend, migrateQueueTables } from "../backends.ts";

/** A server of its own for one test file, so that it may be wiped and stopped. */
export interface QueueServer {
  readonly kind: "redis" | "postgres";
  /** For other processes. */
  readonly options: { readonly redisUrl: string } | { readonly databaseUrl: string };
  connect(log?: Logger): QueueBackend;
  /** Forgets every job, as FLUSHALL does. */
  wipe(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a Redis on a free port. */
export async function startRedisServer(): Promise<QueueServer> {
  const redis = await startRedis();
  const options = { redisUrl: redis.url };
  return {
    kind: "redis",
    options,
    connect: (log = silentLogger) => createQueueBackend({ ...options, log }),
    wipe: () => sendToRedis(redis.url, "FLUSHALL"),
    stop: () => redis.stop(),
  };
}

/** Clones a database and makes the queue's tables in it. */
export async function startPostgresServer(): Promise<QueueServer> {
  const database: TestDatabase = await cloneDatabase("queue");
  await withPgClient(new Secret(database.url), (client) => migrateQueueTables(client));
  const options = { databaseUrl: database.url };
  return {
    kind: "postgres",
    options,
    connect: (log = silentLogger) => createQueueBackend({ ...options, log }),
    wipe: () => wipeTables(database),
    stop: () => database.drop(),
  };
}

/** Servers by name, for `describe.each`. */
export const QUEUE_SERVERS = [
  { kind: "redis", start: startRedisServer },
  { kind: "postgres", start: startPostgresServer },
] as const;

/** Data of a job of run `runId`. */
export function runPayload(runId: number): PayloadOf<"import.run"> {
  return { v: 1, organizationId: 1, runId, label: `import · s3 cats · run ${String(runId)}` };
}

/** Handlers that do nothing but what the test says. */
export function handlersWith(handlers: Partial<JobHandlers<"import">>): JobHandlers<"import"> {
  return {
    "import.run": () => Promise.resolve(NOTHING_IMPORTED),
    "import.load": () => Promise.resolve({ objects: 0, rows: 0 }),
    ...handlers,
  };
}

/** Result of a run without objects. */
export const NOTHING_IMPORTED = {
  state: "completed",
  created: 0,
  known: 0,
  failed: 0,
  tasks: 0,
  seconds: 0,
} as const;

/** A queue to look into; the caller closes it. */
export function openForReading(backend: QueueBackend, name: QueueName = "import"): Queue {
  return backend.openQueue(name, "read");
}

/** Sends one command of our choice. */
export function sendToRedis(url: string, command: string): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = createConnection(Number(port), hostname, () => socket.write(`${command}\r\n`));
    socket.once("data", () => {
      socket.end();
      resolve();
    });
    socket.once("error", reject);
  });
}

async function wipeTables(database: TestDatabase): Promise<void> {
  await withPgClient(new Secret(database.url), async (client) => {
    const { rows } = await client.query<{ name: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'bullmq' AND tablename NOT LIKE '%migration%' AND tablename NOT LIKE '%version%'",
    );
    await client.query(`TRUNCATE ${rows.map((row) => row.name).join(", ")}`);
  });
}
