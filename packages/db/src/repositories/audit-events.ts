import { toSafeId } from "@bucketbridge/core";
import type { Prisma } from "../../generated/prisma/client.ts";
import type { Database } from "../client.ts";

/** Something that is written down for good: never with a secret in it. */
export interface NewAuditEvent {
  readonly organizationId: number;
  readonly actorId: number | null;
  /** The opaque token that was shown; null for sessions and access tokens. */
  readonly tokenId: number | null;
  /** Noun and verb with a dot between: `storage.changed`. */
  readonly action: string;
  readonly subjectType: string | null;
  readonly subjectId: number | null;
  /** Status of the answer. */
  readonly status: number;
  readonly requestId: string;
  readonly address: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  /** True: kept once per actor, subject and day (UTC, by the database's clock). */
  readonly isDaily: boolean;
}

/** An event as it was written down. */
export interface AuditEventRecord extends Omit<NewAuditEvent, "isDaily"> {
  readonly id: number;
  readonly createdAt: Date;
}

/** Which events, newest first. */
export interface AuditEventFilter {
  readonly action: string | undefined;
  readonly actorId: number | undefined;
  readonly subjectType: string | undefined;
  readonly subjectId: number | undefined;
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  /** Events older than this one. */
  readonly before: number | undefined;
  readonly limit: number;
}

/** What happened in organisations. Nothing here changes or drops an event. */
export interface AuditEventRepository {
  /** Adds all in one statement. */
  append(events: readonly NewAuditEvent[]): Promise<void>;
  list(organizationId: number, filter: AuditEventFilter): Promise<readonly AuditEventRecord[]>;
}

/** Repository over `database`. */
export function createAuditEventRepository(database: Database): AuditEventRepository {
  const op = { op: "db.audit-events" };
  return {
    append: (events) =>
      database.inMaintenance(async (tx) => {
        await tx.$executeRaw`
          INSERT INTO audit_event (organization_id, actor_id, token_id, action, subject_type, subject_id, status, request_id,
            address, details, day)
          SELECT e."organizationId", e."actorId", e."tokenId", e.action, e."subjectType", e."subjectId", e.status, e."requestId",
            e.address, e.details, CASE WHEN e."isDaily" THEN (now() AT TIME ZONE 'UTC')::date END
          FROM jsonb_to_recordset(${JSON.stringify(events)}::jsonb) AS e("organizationId" int, "actorId" int, "tokenId" int,
            action text, "subjectType" text, "subjectId" bigint, status smallint, "requestId" text, address text, details jsonb,
            "isDaily" boolean)
          ON CONFLICT (organization_id, actor_id, subject_id, day) DO NOTHING`;
      }, op),
    list: (organizationId, filter) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const rows = await tx.auditEvent.findMany({
            where: toWhere(organizationId, filter),
            omit: { day: true },
            orderBy: { id: "desc" },
            take: filter.limit,
          });
          return rows.map(({ id, subjectId, details, ...row }) => ({
            ...row,
            id: toSafeId(id),
            subjectId: subjectId === null ? null : toSafeId(subjectId),
            details: details as AuditEventRecord["details"],
          }));
        },
        op,
      ),
  };
}

function toWhere(
  organizationId: number,
  { action, actorId, subjectType, subjectId, since, until, before }: AuditEventFilter,
): Prisma.AuditEventWhereInput {
  return {
    organizationId,
    ...(action === undefined ? {} : { action }),
    ...(actorId === undefined ? {} : { actorId }),
    ...(subjectType === undefined ? {} : { subjectType }),
    ...(subjectId === undefined ? {} : { subjectId }),
    ...(before === undefined ? {} : { id: { lt: before } }),
    createdAt: {
      ...(since === undefined ? {} : { gte: since }),
      ...(until === undefined ? {} : { lt: until }),
    },
  };
}
