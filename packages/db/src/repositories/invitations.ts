import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";
import { insertUser, type Member, type NewUser } from "./users.ts";

/** An invitation that nobody has accepted yet. Of its token only the hash is stored. */
export interface InvitationRecord {
  readonly id: number;
  readonly email: string;
  readonly role: Member["role"];
  readonly invitedById: number | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** An invitation to be stored. */
export interface NewInvitation {
  /** In lower case. */
  readonly email: string;
  readonly role: Member["role"];
  readonly invitedById: number;
  readonly tokenHash: Uint8Array;
  /** Life of the link, by the database's clock. */
  readonly ttlSeconds: number;
}

/** Links that make people members. */
export interface InvitationRepository {
  /** Ends an open invitation of the same address. Undefined when the address belongs to a member already. */
  create(organizationId: number, invitation: NewInvitation): Promise<InvitationRecord | undefined>;
  /** The open ones, also those that have expired, newest first. */
  list(organizationId: number): Promise<readonly InvitationRecord[]>;
  /** False when there is no such open invitation. */
  revoke(organizationId: number, invitationId: number): Promise<boolean>;
  /**
   * Makes the person a member, once: one caller of several wins. Undefined for a token that is unknown, used, revoked or
   * expired; `taken` when the address has an account in another organisation, and then the invitation stays open.
   */
  accept(
    tokenHash: Uint8Array,
    person: Omit<NewUser, "email" | "role">,
  ): Promise<Member | "taken" | undefined>;
}

const SELECT = {
  id: true,
  email: true,
  role: true,
  invitedById: true,
  createdAt: true,
  expiresAt: true,
} as const;

const OPEN = { acceptedAt: null, revokedAt: null } as const;

/** Repository over `database`. */
export function createInvitationRepository(database: Database): InvitationRepository {
  const op = { op: "db.invitations" };
  return {
    create: (organizationId, invitation) =>
      database.inOrganization(organizationId, (tx) => create(tx, organizationId, invitation), op),
    list: (organizationId) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const orderBy = { id: "desc" } as const;
          const rows = await tx.invitation.findMany({ where: OPEN, select: SELECT, orderBy });
          return rows.map((row) => ({ ...row, role: row.role as Member["role"] }));
        },
        op,
      ),
    revoke: (organizationId, invitationId) =>
      database.inOrganization(
        organizationId,
        async (tx) => (await revoke(tx, Prisma.sql`i.id = ${invitationId}`)) > 0,
        op,
      ),
    accept: (tokenHash, person) =>
      database.inMaintenance((tx) => accept(tx, tokenHash, person), op),
  };
}

function revoke(tx: Transaction, which: Prisma.Sql): Promise<number> {
  return tx.$executeRaw`
    UPDATE invitation i SET revoked_at = now() WHERE ${which} AND i.accepted_at IS NULL AND i.revoked_at IS NULL`;
}

async function create(
  tx: Transaction,
  organizationId: number,
  { email, role, invitedById, tokenHash, ttlSeconds }: NewInvitation,
): Promise<InvitationRecord | undefined> {
  const known = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM membership m JOIN "user" u ON u.id = m.user_id WHERE lower(u.email) = ${email}`;
  if (known.length > 0) return undefined;
  // Two admins who invite the same person wait for each other here; the link of the second works.
  await tx.$executeRaw`SELECT FROM organization WHERE id = ${organizationId} FOR NO KEY UPDATE`;
  await revoke(tx, Prisma.sql`i.email = ${email}`);
  const [made] = await tx.$queryRaw<InvitationRecord[]>`
    INSERT INTO invitation (organization_id, email, role, token_hash, invited_by_id, expires_at)
    VALUES (${organizationId}, ${email}, ${role}, ${tokenHash}, ${invitedById}, now() + ${ttlSeconds} * interval '1 second')
    RETURNING id, email, role, invited_by_id AS "invitedById", created_at AS "createdAt", expires_at AS "expiresAt"`;
  return made;
}

async function accept(
  tx: Transaction,
  tokenHash: Uint8Array,
  person: Omit<NewUser, "email" | "role">,
): Promise<Member | "taken" | undefined> {
  const [invitation] = await tx.$queryRaw<
    { id: number; organizationId: number; email: string; role: Member["role"] }[]
  >`
    SELECT i.id, i.organization_id AS "organizationId", i.email, i.role FROM invitation i
    WHERE i.token_hash = ${tokenHash} AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > now()
    FOR UPDATE`;
  if (invitation === undefined) return undefined;
  const { id, organizationId, email, role } = invitation;
  const member = await insertUser(tx, organizationId, { ...person, email, role });
  if (member === undefined) return "taken";
  await tx.$executeRaw`UPDATE invitation SET accepted_at = now() WHERE id = ${id}`;
  return member;
}
