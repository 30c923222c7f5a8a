import { AppError } from "@bucketbridge/core";
import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";
import { MEMBER_COLUMNS, MEMBER_TABLES, type Member } from "./users.ts";

/** What a service token may do of what its member may: `write` is all of it. */
export type TokenScope = "read" | "write" | "media";

/** An opaque token that is not revoked, and the member whose it is. */
export interface TokenHolder {
  readonly tokenId: number;
  readonly member: Member;
  /** Null for a legacy token, which is not limited. */
  readonly scope: TokenScope | null;
}

/** A service token as it is shown: never the token itself. */
export interface ServiceTokenRecord {
  readonly id: number;
  readonly userId: number;
  readonly name: string;
  readonly scope: TokenScope;
  /** First characters of the token, to tell tokens apart. */
  readonly prefix: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
}

/** A service token to be stored. `tokenHash` is its SHA-256. */
export interface NewServiceToken {
  readonly organizationId: number;
  readonly userId: number;
  readonly name: string;
  readonly scope: TokenScope;
  readonly tokenHash: Uint8Array;
  readonly prefix: string;
  /** Its life, by the database's clock. */
  readonly ttlSeconds: number;
}

/** What a personal token was signed with; shown again without the signature. */
export interface RefreshClaims {
  readonly token_type: string;
  readonly exp: number;
  readonly iat: number;
  readonly jti: string;
  readonly user_id: string;
}

/** A personal token to be stored. `tokenHash` is the SHA-256 of its jti. */
export interface NewRefreshToken {
  readonly organizationId: number;
  readonly userId: number;
  readonly tokenHash: Uint8Array;
  readonly prefix: string;
  readonly claims: RefreshClaims;
  readonly expiresAt: Date;
}

/** How a personal token stands: `undefined` where it was never issued. */
export interface RefreshState {
  readonly tokenId: number;
  readonly revoked: boolean;
  readonly organizationId: number;
  readonly userId: number;
}

/** Tokens. They are looked up before anybody is known, hence across organisations, and only by their hash. */
export interface TokenRepository {
  /** The holder of a legacy or service token that is neither revoked nor expired. Its use is noted once a minute at most. */
  findHolder(tokenHash: Uint8Array): Promise<TokenHolder | undefined>;
  createService(token: NewServiceToken): Promise<ServiceTokenRecord>;
  /** Valid service tokens of one member, or of all; newest first. */
  listService(
    organizationId: number,
    userId: number | undefined,
  ): Promise<readonly ServiceTokenRecord[]>;
  /** False when the member (or, without one, the organisation) has no such valid token. */
  revokeService(
    organizationId: number,
    tokenId: number,
    userId: number | undefined,
  ): Promise<boolean>;
  /** Revokes the member's legacy tokens and stores the new one. */
  replaceLegacy(
    holder: { readonly organizationId: number; readonly userId: number },
    token: { readonly tokenHash: Uint8Array; readonly prefix: string },
  ): Promise<void>;
  /** False when the member already has a personal token that is valid; one caller of several wins. */
  createRefresh(token: NewRefreshToken): Promise<boolean>;
  listRefresh(organizationId: number, userId: number): Promise<readonly RefreshClaims[]>;
  findRefresh(tokenHash: Uint8Array): Promise<RefreshState | undefined>;
  /** Notes a use, once a minute at most. */
  touch(tokenId: number): Promise<void>;
  /** True when it was valid until now. */
  revokeRefresh(tokenHash: Uint8Array): Promise<boolean>;
  /** Revokes `oldHash` and stores `token` in one transaction; false when the old one was not valid. */
  rotateRefresh(oldHash: Uint8Array, token: NewRefreshToken): Promise<boolean>;
}

/** Repository over `database`. */
export function createTokenRepository(database: Database): TokenRepository {
  const op = { op: "db.tokens" };
  return {
    findHolder: (tokenHash) => database.inMaintenance((tx) => findHolder(tx, tokenHash), op),
    createService: (token) =>
      database.inOrganization(token.organizationId, (tx) => createService(tx, token), op),
    listService: (organizationId, userId) =>
      database.inOrganization(organizationId, (tx) => listService(tx, ofMember(userId)), op),
    revokeService: (organizationId, tokenId, userId) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const revoked = await tx.$executeRaw`
            UPDATE api_token t SET revoked_at = now()
            WHERE t.id = ${tokenId} AND t.kind = 'service' AND ${ofMember(userId)} AND ${IS_VALID}`;
          return revoked > 0;
        },
        op,
      ),
    replaceLegacy: ({ organizationId, userId }, { tokenHash, prefix }) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const own = { organizationId, userId, kind: "legacy" };
          await tx.$executeRaw`
            UPDATE api_token SET revoked_at = now() WHERE user_id = ${userId} AND kind = 'legacy' AND revoked_at IS NULL`;
          await tx.apiToken.create({
            data: { ...own, tokenHash: new Uint8Array(tokenHash), prefix },
          });
        },
        op,
      ),
    createRefresh: (token) =>
      database.inOrganization(token.organizationId, (tx) => createRefresh(tx, token), op),
    listRefresh: (organizationId, userId) =>
      database.inOrganization(organizationId, (tx) => listRefresh(tx, userId), op),
    findRefresh: (tokenHash) => database.inMaintenance((tx) => findRefresh(tx, tokenHash), op),
    touch: (tokenId) => database.inMaintenance((tx) => touch(tx, tokenId), op),
    revokeRefresh: (tokenHash) => database.inMaintenance((tx) => revokeRefresh(tx, tokenHash), op),
    rotateRefresh: (oldHash, token) =>
      database.inOrganization(
        token.organizationId,
        async (tx) => {
          if (!(await revokeRefresh(tx, oldHash))) return false;
          await insertRefresh(tx, token);
          return true;
        },
        op,
      ),
  };
}

const IS_VALID = Prisma.sql`t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())`;

interface HolderRow extends Member {
  readonly tokenId: number;
  readonly isStale: boolean;
  readonly scope: TokenScope | null;
}

async function findHolder(
  tx: Transaction,
  tokenHash: Uint8Array,
): Promise<TokenHolder | undefined> {
  const rows = await tx.$queryRaw<HolderRow[]>`
    SELECT t.id AS "tokenId", ${IS_STALE} AS "isStale", t.scope, ${MEMBER_COLUMNS} ${MEMBER_TABLES}
    JOIN api_token t ON t.organization_id = m.organization_id AND t.user_id = m.user_id
    WHERE t.token_hash = ${tokenHash} AND t.kind IN ('legacy', 'service') AND ${IS_VALID}`;
  const [row] = rows;
  if (row === undefined) return undefined;
  const { tokenId, isStale, scope, ...member } = row;
  if (isStale) await touch(tx, tokenId);
  return { tokenId, member, scope };
}

const SERVICE_COLUMNS = Prisma.sql`t.id, t.user_id AS "userId", t.name, t.scope, t.prefix, t.created_at AS "createdAt",
  t.expires_at AS "expiresAt", t.last_used_at AS "lastUsedAt"`;

function ofMember(userId: number | undefined): Prisma.Sql {
  return userId === undefined ? Prisma.sql`true` : Prisma.sql`t.user_id = ${userId}`;
}

async function createService(
  tx: Transaction,
  { organizationId, userId, name, scope, tokenHash, prefix, ttlSeconds }: NewServiceToken,
): Promise<ServiceTokenRecord> {
  const [made] = await tx.$queryRaw<ServiceTokenRecord[]>`
    INSERT INTO api_token AS t (organization_id, user_id, kind, name, scope, token_hash, prefix, expires_at)
    VALUES (${organizationId}, ${userId}, 'service', ${name}, ${scope}, ${tokenHash}, ${prefix},
      now() + ${ttlSeconds} * interval '1 second')
    RETURNING ${SERVICE_COLUMNS}`;
  if (made !== undefined) return made;
  throw new AppError({ code: "internal", message: "an inserted token was not returned" });
}

function listService(tx: Transaction, condition: Prisma.Sql): Promise<ServiceTokenRecord[]> {
  return tx.$queryRaw<ServiceTokenRecord[]>`
    SELECT ${SERVICE_COLUMNS} FROM api_token t
    WHERE t.kind = 'service' AND ${condition} AND ${IS_VALID} ORDER BY t.id DESC`;
}

/** A use is noted once a minute: every request would otherwise write a row. */
const IS_STALE = Prisma.sql`(t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute')`;

async function touch(tx: Transaction, tokenId: number): Promise<void> {
  await tx.$executeRaw`
    WITH used AS (UPDATE api_token t SET last_used_at = now() WHERE t.id = ${tokenId} AND ${IS_STALE} RETURNING t.user_id)
    UPDATE "user" u SET last_activity_at = now() FROM used WHERE u.id = used.user_id`;
}

async function createRefresh(tx: Transaction, token: NewRefreshToken): Promise<boolean> {
  const { organizationId, userId } = token;
  // Two requests at once wait for each other here, so that the second sees the token of the first.
  await tx.$executeRaw`SELECT FROM membership WHERE organization_id = ${organizationId} AND user_id = ${userId} FOR UPDATE`;
  const valid = await listRefresh(tx, userId);
  if (valid.length > 0) return false;
  await insertRefresh(tx, token);
  return true;
}

async function insertRefresh(tx: Transaction, token: NewRefreshToken): Promise<void> {
  const { tokenHash, claims, ...columns } = token;
  await tx.apiToken.create({
    data: {
      ...columns,
      kind: "refresh",
      tokenHash: new Uint8Array(tokenHash),
      claims: { ...claims },
    },
  });
}

async function listRefresh(tx: Transaction, userId: number): Promise<RefreshClaims[]> {
  const rows = await tx.$queryRaw<{ claims: RefreshClaims }[]>`
    SELECT t.claims FROM api_token t WHERE t.user_id = ${userId} AND t.kind = 'refresh' AND ${IS_VALID} ORDER BY t.id`;
  return rows.map(({ claims }) => claims);
}

async function findRefresh(
  tx: Transaction,
  tokenHash: Uint8Array,
): Promise<RefreshState | undefined> {
  const rows = await tx.$queryRaw<RefreshState[]>`
    SELECT t.id AS "tokenId", t.revoked_at IS NOT NULL AS revoked, t.organization_id AS "organizationId", t.user_id AS "userId"
    FROM api_token t WHERE t.token_hash = ${tokenHash} AND t.kind = 'refresh'`;
  return rows[0];
}

async function revokeRefresh(tx: Transaction, tokenHash: Uint8Array): Promise<boolean> {
  const revoked = await tx.$executeRaw`
    UPDATE api_token t SET revoked_at = now() WHERE t.token_hash = ${tokenHash} AND t.kind = 'refresh' AND ${IS_VALID}`;
  return revoked > 0;
}
