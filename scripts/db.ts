// Migrations by hand and in containers: node scripts/db.ts migrate [--retry-failed] | status
import path from "node:path";
import { loadConfig, migrationSlice, queueSlice } from "@bucketbridge/config";
import { isAppError, silentLogger, type Logger, type Secret } from "@bucketbridge/core";
import { deployMigrations, readMigrationStatus, withPgClient } from "@bucketbridge/db";
import { ensureDatabase } from "@bucketbridge/db/embedded";
import { migrateQueueTables } from "@bucketbridge/queue";
import { ROOT } from "./launcher/paths.mjs";

const MIGRATIONS = path.join(ROOT, "prisma/migrations");
/** Long enough for a big migration that another replica runs. */
const LOCK_TIMEOUT_MS = 10 * 60_000;

const consoleLogger: Logger = {
  ...silentLogger,
  info: (fields, event) => {
    console.log(event, JSON.stringify(fields));
  },
  warn: (fields, event) => {
    console.warn(event, JSON.stringify(fields));
  },
};

const COMMANDS: Readonly<Record<string, () => Promise<number>>> = { migrate, status };
const [name = "", ...flags] = process.argv.slice(2);
process.exitCode = await runCommand(name);

async function runCommand(wanted: string): Promise<number> {
  const command = COMMANDS[wanted];
  if (command === undefined) {
    console.error("usage: node scripts/db.ts migrate [--retry-failed] | status");
    return 2;
  }
  try {
    return await command();
  } catch (error) {
    if (!isAppError(error)) throw error;
    console.error(error.message);
    return 1;
  }
}

/** Creates role and database when DATABASE_ADMIN_URL is set, then applies what is pending. */
async function migrate(): Promise<number> {
  const { migration, queue } = loadConfig(
    { migration: migrationSlice, queue: queueSlice },
    process.env,
  );
  const { url, adminUrl } = migration;
  if (adminUrl !== undefined) await ensureDatabase(adminUrl.reveal(), toSpec(url));
  const { applied } = await deployMigrations(url, MIGRATIONS, {
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    log: consoleLogger,
    retryFailed: flags.includes("--retry-failed"),
  });
  // Without Redis the queue keeps its tables in the same database.
  if (queue.redisUrl === undefined) await withPgClient(url, (client) => migrateQueueTables(client));
  console.log(applied.length === 0 ? "nothing to apply" : `applied ${applied.join(", ")}`);
  return 0;
}

/** Exit code 1 when something is pending or failed, for scripts. */
async function status(): Promise<number> {
  const { migration } = loadConfig({ migration: migrationSlice }, process.env);
  const found = await readMigrationStatus(migration.url, MIGRATIONS);
  for (const [state, names] of Object.entries(found) as [string, readonly string[]][]) {
    for (const migrationName of names) console.log(`${state.padEnd(8)} ${migrationName}`);
  }
  return found.pending.length + found.failed.length > 0 ? 1 : 0;
}

function toSpec(url: Secret): { role: string; password: string; database: string } {
  const { username, password, pathname } = new URL(url.reveal());
  return {
    role: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
  };
}
