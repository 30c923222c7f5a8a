import { AppError } from "@bucketbridge/core";
import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";

/** A person as one organisation sees them, with what that organisation allows. */
export interface Member {
  readonly userId: number;
  readonly organizationId: number;
  readonly organizationTitle: string;
  readonly role: "owner" | "admin" | "manager" | "reviewer" | "annotator";
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  /** Name of the uploaded picture. */
  readonly avatar: string | null;
  readonly createdAt: Date;
  readonly lastActivityAt: Date;
  readonly apiTokensEnabled: boolean;
  readonly legacyApiTokensEnabled: boolean;
}

/** Which tokens an organisation takes; absent fields stay as they are. */
export interface TokenSettings {
  readonly apiTokensEnabled?: boolean | undefined;
  readonly legacyApiTokensEnabled?: boolean | undefined;
}

/** People and what they may do. */
export interface UserRepository {
  /** The member that a user id stands for: in the organisation that is active for the user. */
  findActiveMember(userId: number): Promise<Member | undefined>;
  findMember(organizationId: number, userId: number): Promise<Member | undefined>;
  /** The members among `userIds`; others are left out. */
  listMembers(organizationId: number, userIds: readonly number[]): Promise<readonly Member[]>;
  /** The oldest owner of the organisation. */
  findOwner(organizationId: number): Promise<Member | undefined>;
  updateTokenSettings(organizationId: number, settings: TokenSettings): Promise<void>;
  /**
   * Makes the first organisation with its owner and the owner's legacy token, or finds them: a second call with the
   * same e-mail changes nothing but adds a token that is not there yet. `tokenHash` is the SHA-256 of the token.
   */
  ensureOwner(owner: OwnerSeed): Promise<Member>;
  /** True once anybody has an account. */
  hasUsers(): Promise<boolean>;
  /** Makes the first organisation and its owner; undefined when anybody has an account. One caller of several wins. */
  createFirstOwner(owner: OwnerAccount): Promise<Member | undefined>;
  /** Makes a further organisation and its owner; undefined when the address has an account. */
  signUp(owner: OwnerAccount): Promise<Member | undefined>;
  /** Everybody of all organisations, for the operator alone. */
  listEverybody(): Promise<readonly Member[]>;
}

/** An owner with a password, and the organisation that is made with them. */
export interface OwnerAccount extends Omit<NewUser, "role"> {
  readonly organizationTitle: string;
}

/** The first owner, as the configuration names it. */
export interface OwnerSeed {
  readonly email: string;
  readonly organizationTitle: string;
  readonly tokenHash: Uint8Array;
  /** First characters of the token, to tell tokens apart. */
  readonly tokenPrefix: string;
}

/** An account to be made. */
export interface NewUser {
  /** In lower case. */
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly role: Member["role"];
  /** As `verifyPassword` of the API reads it; without one the person cannot sign in with a password. */
  readonly passwordHash: string | undefined;
}

/** First half of the advisory lock of an address. Any constant will do. */
const USER_LOCK = 7_215_002;
/** One owner is made at a time, whatever number of processes start together. Any constant will do. */
const OWNER_LOCK = 7_215_001;

/** Repository over `database`. */
export function createUserRepository(database: Database): UserRepository {
  const op = { op: "db.users" };
  return {
    findActiveMember: (userId) =>
      database.inMaintenance(
        async (tx) =>
          first(
            await listMemberRows(
              tx,
              Prisma.sql`u.id = ${userId} AND u.active_organization_id = o.id`,
            ),
          ),
        op,
      ),
    findMember: (organizationId, userId) =>
      database.inOrganization(
        organizationId,
        async (tx) => first(await listMemberRows(tx, Prisma.sql`u.id = ${userId}`)),
        op,
      ),
    listMembers: (organizationId, userIds) =>
      database.inOrganization(
        organizationId,
        (tx) => listMemberRows(tx, Prisma.sql`u.id = ANY (${[...userIds]}::int[])`),
        op,
      ),
    findOwner: (organizationId) =>
      database.inOrganization(
        organizationId,
        async (tx) => first(await listMemberRows(tx, Prisma.sql`m.role = 'owner'`)),
        op,
      ),
    updateTokenSettings: async (organizationId, settings) => {
      await database.inOrganization(
        organizationId,
        (tx) =>
          tx.organization.update({ where: { id: organizationId }, data: withoutAbsent(settings) }),
        op,
      );
    },
    ensureOwner: (owner) => database.inMaintenance((tx) => ensureOwner(tx, owner), op),
    hasUsers: () => database.inMaintenance((tx) => hasUsers(tx), op),
    createFirstOwner: (owner) =>
      database.inMaintenance(async (tx) => {
        await lockOwners(tx);
        return (await hasUsers(tx)) ? undefined : insertOwner(tx, owner);
      }, op),
    signUp: (owner) => database.inMaintenance((tx) => insertOwner(tx, owner), op),
    listEverybody: () => database.inMaintenance((tx) => listMemberRows(tx, Prisma.sql`true`), op),
  };
}

/** Members that the scope shows, the oldest first. */
export async function listMemberRows(
  tx: Transaction,
  condition: Prisma.Sql,
  { limit, offset }: { readonly limit?: number; readonly offset?: number } = {},
): Promise<Member[]> {
  return tx.$queryRaw<Member[]>`SELECT ${MEMBER_COLUMNS} ${MEMBER_TABLES} WHERE ${condition}
    ORDER BY m.created_at, u.id LIMIT ${limit ?? null} OFFSET ${offset ?? 0}`;
}

/**
 * Makes the account and its membership, in the scope of maintenance. Undefined when the address belongs to somebody who is a
 * member anywhere; an account that lost its last membership is taken up again, with the new names and password alone.
 */
export async function insertUser(
  tx: Transaction,
  organizationId: number,
  user: NewUser,
): Promise<Member | undefined> {
  const { email, firstName, lastName, role, passwordHash } = user;
  // Two accounts for one address would otherwise be made side by side: the index does not see that A and a are the same.
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${USER_LOCK}, hashtext(${email}))`;
  const [known] = await tx.$queryRaw<{ id: number; isMember: boolean }[]>`
    SELECT u.id, EXISTS (SELECT FROM membership m WHERE m.user_id = u.id) AS "isMember"
    FROM "user" u WHERE lower(u.email) = ${email} ORDER BY u.id LIMIT 1`;
  if (known?.isMember === true) return undefined;
  const data = { email, firstName, lastName, activeOrganizationId: organizationId };
  const select = { id: true } as const;
  const { id: userId } =
    known === undefined
      ? await tx.user.create({ data, select })
      : await tx.user.update({ where: { id: known.id }, data, select });
  await tx.membership.create({ data: { organizationId, userId, role } });
  await tx.userPassword.deleteMany({ where: { userId } });
  if (passwordHash !== undefined)
    await tx.userPassword.create({ data: { userId, hash: passwordHash } });
  return first(await listMemberRows(tx, Prisma.sql`u.id = ${userId}`));
}

/** Columns of a `Member` by its field names. */
export const MEMBER_COLUMNS = Prisma.sql`u.id AS "userId", o.id AS "organizationId", o.title AS "organizationTitle", m.role,
  u.email, u.first_name AS "firstName", u.last_name AS "lastName", u.avatar, u.created_at AS "createdAt",
  u.last_activity_at AS "lastActivityAt", o.api_tokens_enabled AS "apiTokensEnabled",
  o.legacy_api_tokens_enabled AS "legacyApiTokensEnabled"`;

/** Where they come from; the aliases are m, u and o. */
export const MEMBER_TABLES = Prisma.sql`FROM membership m JOIN "user" u ON u.id = m.user_id JOIN organization o ON o.id = m.organization_id`;

async function lockOwners(tx: Transaction): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${OWNER_LOCK})`;
}

async function hasUsers(tx: Transaction): Promise<boolean> {
  return (await tx.user.findFirst({ select: { id: true } })) !== null;
}

/** The organisation of an address that is taken goes again before anybody sees it. */
async function insertOwner(
  tx: Transaction,
  { organizationTitle, ...user }: OwnerAccount,
): Promise<Member | undefined> {
  const { id } = await tx.organization.create({
    data: { title: organizationTitle },
    select: { id: true },
  });
  const member = await insertUser(tx, id, { ...user, role: "owner" });
  if (member === undefined) await tx.organization.delete({ where: { id } });
  return member;
}

async function ensureOwner(tx: Transaction, owner: OwnerSeed): Promise<Member> {
  await lockOwners(tx);
  const userId = await ensureOwnerUser(tx, owner);
  const member = first(
    await listMemberRows(tx, Prisma.sql`u.id = ${userId} AND u.active_organization_id = o.id`),
  );
  if (member === undefined)
    throw new AppError({
      code: "precondition_failed",
      op: "db.users",
      message: "the owner that the configuration names is no longer a member of its organisation",
    });
  const { organizationId } = member;
  const tokenHash = new Uint8Array(owner.tokenHash);
  // A token that was revoked stays revoked, also when the configuration still names it.
  await tx.apiToken.createMany({
    data: [{ organizationId, userId, kind: "legacy", tokenHash, prefix: owner.tokenPrefix }],
    skipDuplicates: true,
  });
  return member;
}

async function ensureOwnerUser(
  tx: Transaction,
  { email, organizationTitle }: OwnerSeed,
): Promise<number> {
  const known = await tx.user.findUnique({ where: { email }, select: { id: true } });
  if (known !== null) return known.id;
  const organization =
    (await tx.organization.findFirst({ orderBy: { id: "asc" }, select: { id: true } })) ??
    (await tx.organization.create({ data: { title: organizationTitle }, select: { id: true } }));
  const user = await tx.user.create({
    data: { email, activeOrganizationId: organization.id },
    select: { id: true },
  });
  await tx.membership.create({
    data: { organizationId: organization.id, userId: user.id, role: "owner" },
  });
  return user.id;
}

function first<Row>(rows: readonly Row[]): Row | undefined {
  return rows[0];
}

function withoutAbsent({
  apiTokensEnabled,
  legacyApiTokensEnabled,
}: TokenSettings): Prisma.OrganizationUpdateInput {
  return {
    ...(apiTokensEnabled === undefined ? {} : { apiTokensEnabled }),
    ...(legacyApiTokensEnabled === undefined ? {} : { legacyApiTokensEnabled }),
  };
}
