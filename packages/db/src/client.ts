import { setTimeout as sleep } from "node:timers/promises";
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { AppError, backoffMs, LEASE_SECONDS, type Logger, type Secret } from "@bucketbridge/core";
import { PrismaClient, type Prisma } from "../generated/prisma/client.ts";
import { isTransientConflict, toDatabaseError } from "./database-errors.ts";
import { CONNECT_TIMEOUT_MS, withConnection } from "./pg-connection.ts";
import type { KeyRing } from "./secrets/key-ring.ts";
import { preparedName } from "./statements.ts";

/** Inside a transaction: Prisma's models and raw queries; `runStatement` for the statements of `sql/`. */
export type Transaction = Prisma.TransactionClient;

/** How a process uses the database. */
export interface DatabaseOptions {
  /** postgresql:// URL of the ordinary role. */
  readonly url: Secret;
  /** Opens and seals the secrets of storages. */
  readonly keyRing: KeyRing;
  /** Connections of this process. */
  readonly poolSize: number;
  /** Shown in pg_stat_activity: "bucketbridge api". */
  readonly applicationName: string;
  readonly log: Logger;
  /**
   * For workers: plans never scan a table in sequence. A plan that was made while a table was empty would otherwise be kept
   * and read the whole table per key (4 s a page, measured).
   */
  readonly avoidSequentialScans?: boolean;
}

/** One transaction. */
export interface TransactionOptions {
  /** Operation name of errors, `db.<what>`. */
  readonly op?: string;
  /** The whole transaction is rolled back with `timeout` after this long. */
  readonly timeoutMs?: number;
  /**
   * The commit does not wait for the disk. Only for work whose rows and checkpoint are one transaction: after a crash of the
   * server the last ones are missing together and are repeated.
   */
  readonly commitWithoutFlush?: boolean;
}

/** Every statement of the system runs in one of these two scopes; without one no row is visible. */
export interface Database {
  readonly keyRing: KeyRing;
  /**
   * Runs `work` in one transaction that sees and writes the rows of one organisation alone. Commits when it resolves, rolls
   * back when it rejects. Deadlocks and serialisation failures run it again, so `work` must have no effect outside. Errors of
   * the database are wrapped once as `db.<what>`.
   */
  inOrganization<T>(
    organizationId: number,
    work: (tx: Transaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  /** The same over all organisations: sweep, purge, tokens before anybody is known, the first owner. Nothing else. */
  inMaintenance<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Refuses a login that row-level security does not bind, with `invalid_config`. Called once when a process starts. */
  assertOrdinaryRole(): Promise<void>;
  /** Rejects when the database does not answer; for readiness checks. */
  ping(): Promise<void>;
  /** Waits for running transactions and closes the connections. */
  close(): Promise<void>;
}

type Scope = { readonly organizationId: number } | "maintenance";

/** A page or batch on a busy disk takes seconds, never this long. */
const DEFAULT_TIMEOUT_MS = 60_000;
/** Deadlocks are rare because rows are locked in order; five in a row are a bug. */
const MAX_TRIES = 5;
const CONFLICT_BACKOFF = { baseMs: 20, capMs: 500 };

/** Connects lazily; the caller closes it. */
export function createDatabase(options: DatabaseOptions): Database {
  const pool = createPool(options);
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool, {
      statementNameGenerator: ({ sql }) => preparedName(sql),
      disposeExternalPool: true,
      onPoolError: (error) => {
        options.log.warn({ message: error.message }, "db.connection.lost");
      },
    }),
  });
  return {
    keyRing: options.keyRing,
    inOrganization: (organizationId, work, transaction = {}) =>
      runInScope(prisma, { organizationId }, work, transaction),
    inMaintenance: (work, transaction = {}) => runInScope(prisma, "maintenance", work, transaction),
    assertOrdinaryRole: () => assertOrdinaryRole(prisma),
    ping: () => ping(prisma),
    close: () => prisma.$disconnect(),
  };
}

function createPool(options: DatabaseOptions): pg.Pool {
  const settings = {
    // Prisma sends times without a zone, in UTC.
    timezone: "UTC",
    statement_timeout: String(DEFAULT_TIMEOUT_MS),
    // A worker that is frozen between a statement and its commit would keep its row locks, and SKIP LOCKED would pass
    // the rows by for ever (design §5).
    idle_in_transaction_session_timeout: String(LEASE_SECONDS * 1_000),
    // Compiling a plan takes longer than any statement here runs, and a forbidden sequential scan counts as costly enough.
    jit: "off",
    ...(options.avoidSequentialScans === true ? { enable_seqscan: "off" } : {}),
  };
  return new pg.Pool({
    connectionString: options.url.reveal(),
    max: options.poolSize,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(" "),
  });
}

async function runInScope<T>(
  prisma: PrismaClient,
  scope: Scope,
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await prisma.$transaction(
        async (tx) => {
          await setScope(tx, scope, options.commitWithoutFlush === true);
          return work(tx);
        },
        { timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS, maxWait: CONNECT_TIMEOUT_MS },
      );
    } catch (error) {
      if (attempt >= MAX_TRIES || !isTransientConflict(error)) {
        throw toDatabaseError(error, options.op ?? "db.transaction");
      }
      await sleep(backoffMs(CONFLICT_BACKOFF, attempt));
    }
  }
}

/** The one place that sets a scope. It ends with the transaction. */
async function setScope(tx: Transaction, scope: Scope, commitWithoutFlush: boolean): Promise<void> {
  const [name, value] =
    scope === "maintenance"
      ? ["app.scope", "maintenance"]
      : ["app.organization_id", String(scope.organizationId)];
  if (commitWithoutFlush) {
    await tx.$executeRaw`SELECT set_config(${name}, ${value}, true), set_config('synchronous_commit', 'off', true)`;
  } else {
    await tx.$executeRaw`SELECT set_config(${name}, ${value}, true)`;
  }
}

async function assertOrdinaryRole(prisma: PrismaClient): Promise<void> {
  try {
    const [role] = await prisma.$queryRaw<{ name: string; isBound: boolean }[]>`
      SELECT rolname::text AS name, NOT (rolsuper OR rolbypassrls) AS "isBound" FROM pg_roles WHERE rolname = current_user`;
    if (role?.isBound === true) return;
    throw new AppError({
      code: "invalid_config",
      op: "db.role",
      message: `the role ${role?.name ?? "of DATABASE_URL"} is a superuser or has BYPASSRLS, so it would ignore the policies that separate organisations; log in as an ordinary role that owns the tables`,
    });
  } catch (error) {
    throw toDatabaseError(error, "db.role");
  }
}

async function ping(prisma: PrismaClient): Promise<void> {
  try {
    await prisma.$queryRaw`SELECT 1`;
  } catch (error) {
    throw toDatabaseError(error, "db.ping");
  }
}

/** A plain connection without scope, for migrations of other tools (the queue's tables). Closed at the end. */
export async function withPgClient<T>(
  url: Secret,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  try {
    return await withConnection(url.reveal(), work);
  } catch (error) {
    throw toDatabaseError(error, "db.client");
  }
}
