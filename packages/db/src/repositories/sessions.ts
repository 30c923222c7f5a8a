import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";
import { listMemberRows, MEMBER_COLUMNS, MEMBER_TABLES, type Member } from "./users.ts";

/** What a sign-in is checked against. */
export interface SignInFacts {
  readonly member: Member;
  /** Undefined: the person has no password. */
  readonly passwordHash: string | undefined;
}

/** How long sessions live, by the database's clock. */
export interface SessionLife {
  /** From the sign-in, whatever happens. */
  readonly ttlSeconds: number;
  /** From the last use. */
  readonly idleSeconds: number;
}

/** Sessions of browsers, and the passwords that begin them. They are looked up before anybody is known. */
export interface SessionRepository {
  /** The person of an address, whatever its case, in the organisation that is active for them. */
  findSignIn(email: string): Promise<SignInFacts | undefined>;
  /** Undefined: the person has no password. */
  findPasswordHash(userId: number): Promise<string | undefined>;
  /** Drops sessions of the person that have ended, and begins one. `tokenHash` is the SHA-256 of the cookie. */
  create(holder: SessionHolder, tokenHash: Uint8Array, life: SessionLife): Promise<void>;
  /** The member whose session it is. Its use is noted once a minute at most. */
  findHolder(tokenHash: Uint8Array, life: SessionLife): Promise<Member | undefined>;
  /** Ends one session; false when there was none. */
  end(tokenHash: Uint8Array): Promise<boolean>;
  /** Ends all sessions of a person but the one to keep. */
  endAll(userId: number, keep: Uint8Array | undefined): Promise<void>;
  /** Sets the password and ends all sessions but the one to keep. */
  setPassword(userId: number, passwordHash: string, keep: Uint8Array | undefined): Promise<void>;
}

/** Whose session it is. */
export interface SessionHolder {
  readonly organizationId: number;
  readonly userId: number;
}

/** Repository over `database`. */
export function createSessionRepository(database: Database): SessionRepository {
  const run = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    database.inMaintenance(work, { op: "db.sessions" });
  return {
    findSignIn: (email) => run((tx) => findSignIn(tx, email)),
    findPasswordHash: (userId) => run((tx) => findHash(tx, userId)),
    create: (holder, tokenHash, life) => run((tx) => create(tx, holder, tokenHash, life)),
    findHolder: (tokenHash, life) => run((tx) => findHolder(tx, tokenHash, life)),
    end: (tokenHash) =>
      run(
        async (tx) =>
          (await tx.$executeRaw`DELETE FROM session WHERE token_hash = ${tokenHash}`) > 0,
      ),
    endAll: (userId, keep) => run((tx) => endAll(tx, userId, keep)),
    setPassword: (userId, hash, keep) =>
      run(async (tx) => {
        await tx.$executeRaw`
          INSERT INTO user_password (user_id, hash) VALUES (${userId}, ${hash})
          ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = now()`;
        await endAll(tx, userId, keep);
      }),
  };
}

async function findSignIn(tx: Transaction, email: string): Promise<SignInFacts | undefined> {
  const [member] = await listMemberRows(
    tx,
    Prisma.sql`lower(u.email) = lower(${email}) AND u.active_organization_id = o.id`,
    { limit: 1 },
  );
  if (member === undefined) return undefined;
  return { member, passwordHash: await findHash(tx, member.userId) };
}

async function findHash(tx: Transaction, userId: number): Promise<string | undefined> {
  const where = { userId };
  return (await tx.userPassword.findUnique({ where, select: { hash: true } }))?.hash;
}

async function create(
  tx: Transaction,
  { organizationId, userId }: SessionHolder,
  tokenHash: Uint8Array,
  { ttlSeconds, idleSeconds }: SessionLife,
): Promise<void> {
  await tx.$executeRaw`
    DELETE FROM session WHERE organization_id = ${organizationId} AND user_id = ${userId}
      AND (expires_at < now() OR last_used_at < now() - ${idleSeconds} * interval '1 second')`;
  await tx.$executeRaw`
    INSERT INTO session (organization_id, user_id, token_hash, expires_at)
    VALUES (${organizationId}, ${userId}, ${tokenHash}, now() + ${ttlSeconds} * interval '1 second')`;
}

async function findHolder(
  tx: Transaction,
  tokenHash: Uint8Array,
  { idleSeconds }: SessionLife,
): Promise<Member | undefined> {
  const [row] = await tx.$queryRaw<(Member & { isStale: boolean })[]>`
    SELECT s.last_used_at < now() - interval '1 minute' AS "isStale", ${MEMBER_COLUMNS} ${MEMBER_TABLES}
    JOIN session s ON s.organization_id = m.organization_id AND s.user_id = m.user_id
    WHERE s.token_hash = ${tokenHash} AND s.expires_at > now()
      AND s.last_used_at > now() - ${idleSeconds} * interval '1 second'`;
  if (row === undefined) return undefined;
  const { isStale, ...member } = row;
  if (isStale) {
    await tx.$executeRaw`UPDATE session SET last_used_at = now() WHERE token_hash = ${tokenHash}`;
    await tx.$executeRaw`UPDATE "user" SET last_activity_at = now() WHERE id = ${member.userId}`;
  }
  return member;
}

async function endAll(
  tx: Transaction,
  userId: number,
  keep: Uint8Array | undefined,
): Promise<void> {
  await tx.$executeRaw`
    DELETE FROM session WHERE user_id = ${userId} AND token_hash IS DISTINCT FROM ${keep ?? null}::bytea`;
}
