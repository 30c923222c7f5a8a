import { randomUUID } from "node:crypto";
import type pg from "pg";
import { AppError, type Logger, type Secret } from "@bucketbridge/core";
import { withPgClient } from "../client.ts";
import { readMigrationFiles, type MigrationFile } from "./migration-files.ts";
import { compareMigrations, readMigrationRows, type MigrationStatus } from "./status.ts";

/** How migrations are applied. */
export interface DeployOptions {
  /** How long to wait for another process that migrates the same database. */
  readonly lockTimeoutMs: number;
  readonly log: Logger;
  /** Marks failed migrations as rolled back and applies them again. For a person who has looked at the database. */
  readonly retryFailed?: boolean;
}

/** What was done, and what a person should look at. */
export interface DeployResult {
  readonly applied: readonly string[];
  /** Applied earlier, and the file has changed since: not applied again. */
  readonly edited: readonly string[];
  /** In the database and not in this build. */
  readonly unknown: readonly string[];
}

/** The key of Prisma's own schema engine, so that this and `prisma migrate deploy` exclude each other. */
const LOCK_KEY = 72_707_369;

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL, finished_at timestamptz,
  migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)`;

/**
 * Applies what is pending, in order, each file as one transaction (unless it has its own), with Prisma's table and lock. Any
 * number of processes may call it at once: one applies, the others wait and find nothing to do. Throws `timeout` when the
 * lock is not free in time, `precondition_failed` / `db.migration_failed` when a migration fails or has failed earlier.
 * Connect as the owner of the tables and not through a pooler in transaction mode: the lock belongs to the session.
 */
export async function deployMigrations(
  url: Secret,
  directory: string,
  options: DeployOptions,
): Promise<DeployResult> {
  const files = await readMigrationFiles(directory);
  return withPgClient(url, async (client) => {
    await lock(client, options.lockTimeoutMs);
    await client.query(CREATE_TABLE);
    if (options.retryFailed === true) await forgetFailed(client);
    const status = compareMigrations(files, await readMigrationRows(client));
    await refuseFailed(client, status);
    reportOddities(status, options.log);
    const pending = files.filter((file) => status.pending.includes(file.name));
    for (const file of pending) await applyMigration(client, file, options.log);
    return {
      applied: pending.map((file) => file.name),
      edited: status.edited,
      unknown: status.unknown,
    };
  });
}

async function lock(client: pg.Client, timeoutMs: number): Promise<void> {
  await client.query("SELECT set_config('lock_timeout', $1, false)", [String(timeoutMs)]);
  await client.query("SELECT pg_advisory_lock($1)", [LOCK_KEY]);
  await client.query("SET lock_timeout = 0");
}

async function forgetFailed(client: pg.Client): Promise<void> {
  await client.query(
    "UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL AND rolled_back_at IS NULL",
  );
}

async function refuseFailed(client: pg.Client, status: MigrationStatus): Promise<void> {
  const [name] = status.failed;
  if (name === undefined) return;
  const rows = await readMigrationRows(client);
  const logs = rows.find((row) => row.name === name)?.logs ?? "the process that applied it died";
  throw migrationFailed(
    `migration ${name} failed earlier (${logs}); repair the cause, then run npm run db:migrate -- --retry-failed`,
  );
}

function reportOddities(status: MigrationStatus, log: Logger): void {
  if (status.edited.length > 0) log.warn({ migrations: status.edited }, "db.migration.edited");
  if (status.unknown.length > 0) log.warn({ migrations: status.unknown }, "db.migration.unknown");
}

async function applyMigration(client: pg.Client, file: MigrationFile, log: Logger): Promise<void> {
  const id = randomUUID();
  await client.query(
    "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)",
    [id, file.checksum, file.name],
  );
  log.info({ migration: file.name }, "db.migration.started");
  try {
    // Without parameters pg sends the whole file as one simple query, which is one transaction.
    await client.query(file.sql);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    await client.query("ROLLBACK");
    await client.query("UPDATE _prisma_migrations SET logs = $2 WHERE id = $1", [id, message]);
    throw migrationFailed(
      `migration ${file.name} failed: ${message}; nothing of it was kept`,
      cause,
    );
  }
  await client.query(
    "UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = $1",
    [id],
  );
  log.info({ migration: file.name }, "db.migration.applied");
}

function migrationFailed(message: string, cause?: unknown): AppError {
  return new AppError({
    code: "precondition_failed",
    reason: "db.migration_failed",
    op: "db.migrate",
    message,
    cause,
  });
}
