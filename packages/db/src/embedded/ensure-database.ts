import pg from "pg";
import { AppError, LEASE_SECONDS } from "@bucketbridge/core";
import { toDatabaseError } from "../database-errors.ts";
import { withConnection } from "../pg-connection.ts";
import { toScramVerifier } from "./scram.ts";

/** The login that api, workers and migrations use, and the database that it owns. */
export interface DatabaseSpec {
  readonly role: string;
  readonly password: string;
  readonly database: string;
}

/** Serialises two starts that find the role missing at the same moment. Any constant will do. */
const ENSURE_LOCK = 1_651_664_997;
/**
 * Makes sure that the ordinary role (no superuser, no BYPASSRLS) and its database exist; returns the URL to log in with.
 * Changes of an existing role: the idle timeout, and the password when the given one is refused. Throws
 * `invalid_config` for a role that ignores row-level security, `unavailable` when the server cannot be reached.
 */
export async function ensureDatabase(adminUrl: string, spec: DatabaseSpec): Promise<string> {
  const appUrl = toAppUrl(adminUrl, spec);
  try {
    await withConnection(adminUrl, async (admin) => {
      await admin.query("SELECT pg_advisory_lock($1)", [ENSURE_LOCK]);
      await ensureRole(admin, spec);
      await ensureOwnedDatabase(admin, spec);
      await ensurePassword(admin, appUrl, spec);
    });
    return appUrl;
  } catch (error) {
    throw toDatabaseError(error, "db.ensure");
  }
}

function toAppUrl(adminUrl: string, { role, password, database }: DatabaseSpec): string {
  const url = new URL(adminUrl);
  url.username = encodeURIComponent(role);
  url.password = encodeURIComponent(password);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

async function ensureRole(admin: pg.Client, { role, password }: DatabaseSpec): Promise<void> {
  const name = pg.escapeIdentifier(role);
  const found = await admin.query<{ ignores_policies: boolean }>(
    "SELECT rolsuper OR rolbypassrls AS ignores_policies FROM pg_roles WHERE rolname = $1",
    [role],
  );
  const existing = found.rows[0];
  if (existing?.ignores_policies === true) {
    throw new AppError({
      code: "invalid_config",
      message: `the database role ${role} is a superuser or has BYPASSRLS and would ignore the policies that separate organisations; use another role`,
    });
  }
  if (existing === undefined) {
    const verifier = pg.escapeLiteral(toScramVerifier(password));
    await admin.query(`CREATE ROLE ${name} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD ${verifier}`);
  }
  // A worker frozen inside a transaction loses its row locks when it loses its lease (design §5).
  const timeout = `${String(LEASE_SECONDS)}s`;
  await admin.query(`ALTER ROLE ${name} SET idle_in_transaction_session_timeout = '${timeout}'`);
}

async function ensureOwnedDatabase(
  admin: pg.Client,
  { role, database }: DatabaseSpec,
): Promise<void> {
  const found = await admin.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
  if (found.rowCount !== 0) return;
  const name = pg.escapeIdentifier(role);
  const self = await admin.query<{ is_superuser: boolean }>(
    "SELECT rolsuper AS is_superuser FROM pg_roles WHERE rolname = current_user",
  );
  // Only a member may give a database away, and the administrator of a managed server is no superuser.
  if (self.rows[0]?.is_superuser !== true) await admin.query(`GRANT ${name} TO CURRENT_USER`);
  await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(database)} OWNER ${name}`);
}

/** The role may be older than its password: a lost data directory, a changed .env. */
async function ensurePassword(
  admin: pg.Client,
  appUrl: string,
  { role, password }: DatabaseSpec,
): Promise<void> {
  try {
    await withConnection(appUrl, () => Promise.resolve());
  } catch (error) {
    const state = error instanceof pg.DatabaseError ? error.code : undefined;
    if (state !== "28P01") throw error;
    const verifier = pg.escapeLiteral(toScramVerifier(password));
    await admin.query(`ALTER ROLE ${pg.escapeIdentifier(role)} PASSWORD ${verifier}`);
  }
}
