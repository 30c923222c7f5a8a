// What the operator does to accounts and to the installation's own files: npm run admin -- (without a command: how it is called).
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { databaseSlice, loadConfig, secretsSlice } from "@bucketbridge/config";
import { AppError, isAppError, silentLogger } from "@bucketbridge/core";
import {
  createDatabase,
  createMemberRepository,
  createSessionRepository,
  createUserRepository,
  KeyRing,
  type Database,
} from "@bucketbridge/db";
import { Passwords } from "../apps/api/src/passwords.ts";
import { MIGRATE_USAGE, migratePersistence } from "./admin/migrate-persistence.ts";
import { hashToken, makeLegacyToken, tokenPrefix } from "../apps/api/src/tokens.ts";

const USAGE = `usage: npm run admin -- create-owner --email ADDRESS [--title ORGANISATION] | list-users | reset-password --email ADDRESS | ${MIGRATE_USAGE}`;

interface Options {
  readonly email: string;
  readonly title: string;
}

const COMMANDS: Readonly<Record<string, (db: Database, options: Options) => Promise<void>>> = {
  "create-owner": createOwner,
  "list-users": listUsers,
  "reset-password": resetPassword,
};

/** Commands that need no database; each reads its own options. */
const OTHER_COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  "migrate-persistence": migratePersistence,
};

process.exitCode = await run(process.argv.slice(2));

async function run(args: readonly string[]): Promise<number> {
  try {
    const [first = "", ...rest] = args;
    const other = OTHER_COMMANDS[first];
    if (other !== undefined) {
      await other(rest);
      return 0;
    }
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { email: { type: "string" }, title: { type: "string" } },
    });
    const [name = ""] = positionals;
    const command = COMMANDS[name];
    if (command === undefined || (name !== "list-users" && values.email === undefined))
      throw new AppError({ code: "invalid_input", message: USAGE });
    const email = (values.email ?? "").trim().toLowerCase();
    await withDatabase((db) => command(db, { email, title: values.title ?? "Bucketbridge" }));
    return 0;
  } catch (error) {
    if (!isAppError(error) && !(error instanceof TypeError)) throw error;
    console.error(error.message);
    return isAppError(error, "invalid_input") || error instanceof TypeError ? 2 : 1;
  }
}

async function withDatabase(work: (db: Database) => Promise<void>): Promise<void> {
  const config = loadConfig({ database: databaseSlice, secrets: secretsSlice }, process.env);
  const db = createDatabase({
    url: config.database.url,
    keyRing: KeyRing.parse(config.secrets.secretKeys),
    poolSize: 1,
    applicationName: "bucketbridge admin",
    log: silentLogger,
  });
  try {
    await db.assertOrdinaryRole();
    await work(db);
  } finally {
    await db.close();
  }
}

/** An address that has an account becomes an owner of its organisation and gets a further token. */
async function createOwner(db: Database, { email, title }: Options): Promise<void> {
  if (!/^[^@\s]+@[^@\s]+$/.test(email))
    throw new AppError({ code: "invalid_input", message: `${email} is no e-mail address` });
  const token = makeLegacyToken();
  const seed = { email, tokenHash: hashToken(token), tokenPrefix: tokenPrefix(token) };
  const users = createUserRepository(db);
  const { organizationId, userId, role } = await users.ensureOwner({
    ...seed,
    organizationTitle: title,
  });
  if (role !== "owner") {
    const change = { userId, isByOwner: true };
    await createMemberRepository(db).changeRole(organizationId, change, "owner");
  }
  console.log(`owner ${email}\ntoken ${token}\nThe token is not shown again.`);
}

async function listUsers(db: Database): Promise<void> {
  for (const member of await createUserRepository(db).listEverybody()) {
    const { email, role, organizationTitle, lastActivityAt } = member;
    console.log([email, role, organizationTitle, lastActivityAt.toISOString()].join("\t"));
  }
}

/** Ends all sessions of the account; its tokens stay. */
async function resetPassword(db: Database, { email }: Options): Promise<void> {
  const sessions = createSessionRepository(db);
  const found = await sessions.findSignIn(email);
  if (found === undefined)
    throw new AppError({ code: "not_found", message: `${email} has no account` });
  const password = randomBytes(15).toString("base64url");
  const hash = await new Passwords().hash(password);
  await sessions.setPassword(found.member.userId, hash, undefined);
  console.log(`password ${password}\nIt is not shown again; change it after signing in.`);
}
