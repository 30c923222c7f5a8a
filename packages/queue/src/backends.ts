import { AppError, type Logger } from "@bucketbridge/core";
import { runMigrations } from "bullmq";
import type { QueueBackend } from "./backend.ts";
import { openPostgresBackend } from "./postgres-backend.ts";
import { openRedisBackend } from "./redis-backend.ts";

/** Where the jobs live: Redis when `redisUrl` is given, else the schema `bullmq` of `databaseUrl`. */
export interface QueueBackendOptions {
  readonly redisUrl?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly log: Logger;
}

/** Chooses the backend. No connection is awaited: a server that is down now is used once it is up. */
export function createQueueBackend(options: QueueBackendOptions): QueueBackend {
  if (options.redisUrl !== undefined) return openRedisBackend(options.redisUrl, options.log);
  if (options.databaseUrl !== undefined) {
    return openPostgresBackend(options.databaseUrl, options.log);
  }
  throw new AppError({
    code: "invalid_config",
    message: "no server for the queue: set REDIS_URL or DATABASE_URL",
  });
}

/** One PostgreSQL session: a client, never a pool, since a lock and a transaction are held on it. */
export interface SessionClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** Makes or updates the tables of the PostgreSQL backend (schema `bullmq`). Idempotent; concurrent callers wait. */
export async function migrateQueueTables(client: SessionClient): Promise<void> {
  await runMigrations(client as Parameters<typeof runMigrations>[0]);
}
