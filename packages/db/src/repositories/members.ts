import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";
import { insertUser, listMemberRows, MEMBER_TABLES, type Member, type NewUser } from "./users.ts";

/** What a list of members shows. */
export interface MemberQuery {
  /** Part of a name or an address, whatever its case. */
  readonly search: string | undefined;
  /** Undefined: all roles. */
  readonly roles: readonly Member["role"][] | undefined;
  /** Undefined: whoever is in the organisation. */
  readonly projectId?: number | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Who changes somebody's membership: owners are changed and made by owners alone. */
export interface MemberChange {
  readonly userId: number;
  readonly isByOwner: boolean;
}

/**
 * `owners_only`: somebody who is no owner wanted to make, change or remove one. `last_owner`: nobody would be left who
 * can do everything.
 */
export type MemberOutcome = "done" | "absent" | "owners_only" | "last_owner";

/** The members of organisations. */
export interface MemberRepository {
  list(
    organizationId: number,
    query: MemberQuery,
  ): Promise<{ readonly total: number; readonly members: readonly Member[] }>;
  /** Makes an account and its membership; undefined when the address already has an account. */
  create(organizationId: number, user: NewUser): Promise<Member | undefined>;
  rename(
    organizationId: number,
    userId: number,
    names: { readonly firstName?: string | undefined; readonly lastName?: string | undefined },
  ): Promise<Member | undefined>;
  /** One change of owners at a time, so that two of them cannot remove each other. */
  changeRole(
    organizationId: number,
    change: MemberChange,
    role: Member["role"],
  ): Promise<MemberOutcome>;
  /** Ends the membership with its tokens and projects; what the person made stays. */
  remove(organizationId: number, change: MemberChange): Promise<MemberOutcome>;
}

/** Repository over `database`. */
export function createMemberRepository(database: Database): MemberRepository {
  const op = { op: "db.members" };
  const run = <T>(organizationId: number, work: (tx: Transaction) => Promise<T>): Promise<T> =>
    database.inOrganization(organizationId, work, op);
  return {
    list: (organizationId, query) => run(organizationId, (tx) => list(tx, query)),
    create: (organizationId, user) =>
      // Accounts of other organisations are invisible in this one's scope, and their addresses are taken all the same.
      database.inMaintenance((tx) => insertUser(tx, organizationId, user), op),
    rename: (organizationId, userId, names) =>
      run(organizationId, async (tx) => {
        await tx.user.updateMany({ where: { id: userId }, data: withoutAbsent(names) });
        return (await listMemberRows(tx, Prisma.sql`u.id = ${userId}`))[0];
      }),
    changeRole: (organizationId, change, role) =>
      run(organizationId, async (tx) => {
        const { userId } = change;
        const outcome = await holdMember(tx, change, role);
        if (outcome === "done")
          await tx.membership.updateMany({ where: { organizationId, userId }, data: { role } });
        return outcome;
      }),
    remove: (organizationId, change) =>
      run(organizationId, async (tx) => {
        const { userId } = change;
        const outcome = await holdMember(tx, change, undefined);
        if (outcome === "done")
          await tx.membership.deleteMany({ where: { organizationId, userId } });
        return outcome;
      }),
  };
}

async function list(
  tx: Transaction,
  { search, roles, projectId, limit, offset }: MemberQuery,
): Promise<{ total: number; members: Member[] }> {
  const conditions = [Prisma.sql`true`];
  if (search !== undefined && search !== "") {
    const pattern = `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
    conditions.push(
      Prisma.sql`(u.email ILIKE ${pattern} OR u.first_name || ' ' || u.last_name ILIKE ${pattern})`,
    );
  }
  if (roles !== undefined) conditions.push(Prisma.sql`m.role = ANY (${[...roles]}::text[])`);
  if (projectId !== undefined)
    conditions.push(
      Prisma.sql`EXISTS (SELECT FROM project_member pm WHERE pm.project_id = ${projectId} AND pm.user_id = u.id)`,
    );
  const condition = Prisma.join(conditions, " AND ");
  const members = await listMemberRows(tx, condition, { limit, offset });
  const [row] = await tx.$queryRaw<
    { total: number }[]
  >`SELECT count(*)::int AS total ${MEMBER_TABLES} WHERE ${condition}`;
  return { total: row?.total ?? 0, members };
}

/** Locks the owners and the member, and says whether the change may go on. `role`: what the member becomes; none: nothing. */
async function holdMember(
  tx: Transaction,
  { userId, isByOwner }: MemberChange,
  role: Member["role"] | undefined,
): Promise<MemberOutcome> {
  const held = await tx.$queryRaw<{ userId: number; role: string }[]>`
    SELECT m.user_id AS "userId", m.role FROM membership m
    WHERE m.user_id = ${userId} OR m.role = 'owner' ORDER BY m.user_id FOR UPDATE`;
  const member = held.find((one) => one.userId === userId);
  if (member === undefined) return "absent";
  const isOwner = member.role === "owner";
  if ((isOwner || role === "owner") && !isByOwner) return "owners_only";
  const owners = held.filter((one) => one.role === "owner").length;
  return isOwner && role !== "owner" && owners < 2 ? "last_owner" : "done";
}

function withoutAbsent({
  firstName,
  lastName,
}: {
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
}): Prisma.UserUpdateInput {
  return {
    ...(firstName === undefined ? {} : { firstName }),
    ...(lastName === undefined ? {} : { lastName }),
  };
}
