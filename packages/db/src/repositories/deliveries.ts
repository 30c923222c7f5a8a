import { toSafeId } from "@bucketbridge/core";
import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";
import type { DeliverySubjectName } from "../export/records.ts";

/** What one target should hold for one subject, and what it does hold. */
export interface DeliveryRecord {
  readonly subjectType: DeliverySubjectName;
  readonly subjectId: number;
  readonly status: DeliveryStatus;
  readonly wantedOp: "put" | "delete";
  readonly wantedRevision: number;
  readonly deliveredRevision: number | null;
  readonly objectKey: string | null;
  readonly etag: string | null;
  /** Attempts since the last success. */
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  /** An earlier put may still land until then; the newest is put once more at that moment. */
  readonly settleAt: Date | null;
  readonly wantedAt: Date;
  readonly deliveredAt: Date | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly runId: number | null;
}

/**
 * pending: wanted, not tried yet or changed since. failing: the last attempt failed, another one follows. delivered: the newest lies
 * there. ended: nothing is wanted any more, and what lies there stays.
 */
export type DeliveryStatus = "pending" | "failing" | "delivered" | "ended";

/** Which deliveries of a target; absent fields do not filter. */
export interface DeliveryFilter {
  readonly targetId: number;
  readonly status?: DeliveryStatus | undefined;
  readonly op?: "put" | "delete" | undefined;
  readonly errorCode?: string | undefined;
  readonly subjectId?: number | undefined;
  readonly runId?: number | undefined;
  /** The last one of the page before. */
  readonly after?:
    { readonly subjectType: DeliverySubjectName; readonly subjectId: number } | undefined;
  readonly limit: number;
}

/** Numbers of deliveries by status. */
export interface DeliveryCounts {
  readonly pending: number;
  readonly failing: number;
  readonly delivered: number;
  readonly ended: number;
  /** Seconds that the oldest wish which is not fulfilled has waited; null: none waits. */
  readonly oldestWaitSeconds: number | null;
}

/** Reads deliveries; they are written by saves and by the export engine. */
export interface DeliveryRepository {
  /** Ascending by subject. */
  list(organizationId: number, filter: DeliveryFilter): Promise<readonly DeliveryRecord[]>;
  /** Counts over all deliveries of a target (some 100 ms per million). */
  count(organizationId: number, targetId: number): Promise<DeliveryCounts>;
  /** By the keys of their objects at the target's present place, for a comparison with a listing. */
  listByKeys(
    organizationId: number,
    targetId: number,
    objectKeys: readonly string[],
  ): Promise<readonly DeliveryRecord[]>;
}

/** Repository over `database`. */
export function createDeliveryRepository(database: Database): DeliveryRepository {
  const op = { op: "db.deliveries" };
  return {
    list: (organizationId, filter) =>
      database.inOrganization(organizationId, (tx) => list(tx, filter), op),
    count: (organizationId, targetId) =>
      database.inOrganization(organizationId, (tx) => count(tx, targetId), op),
    listByKeys: (organizationId, targetId, objectKeys) =>
      database.inOrganization(organizationId, (tx) => listByKeys(tx, targetId, objectKeys), op),
  };
}

type DeliveryRow = Omit<DeliveryRecord, "subjectId"> & { readonly subjectId: bigint };

const STATUS = Prisma.sql`CASE WHEN d.state = 'pending' AND d.last_error_code IS NOT NULL THEN 'failing' ELSE d.state END`;
const COLUMNS = Prisma.sql`
  d.subject_type AS "subjectType", d.subject_id AS "subjectId", ${STATUS} AS status, d.wanted_op AS "wantedOp",
  d.wanted_revision AS "wantedRevision", d.delivered_revision AS "deliveredRevision", d.object_key AS "objectKey", d.etag, d.attempts,
  d.due_at AS "nextAttemptAt", d.settle_at AS "settleAt", d.wanted_at AS "wantedAt", d.delivered_at AS "deliveredAt",
  d.last_error_code AS "errorCode", d.last_error AS "errorMessage", d.run_id AS "runId"`;

/** Failing ones have an index of their own; the others are found by their primary key in order. */
function toCondition(filter: DeliveryFilter): Prisma.Sql {
  const { targetId, status, op, errorCode, subjectId, runId, after } = filter;
  const isFailing = status === "failing" || errorCode !== undefined;
  const conditions = [
    Prisma.sql`d.target_id = ${targetId}`,
    ...(status === undefined
      ? []
      : [Prisma.sql`d.state = ${status === "failing" ? "pending" : status}`]),
    ...(isFailing ? [Prisma.sql`d.last_error_code IS NOT NULL`] : []),
    ...(status === "pending" ? [Prisma.sql`d.last_error_code IS NULL`] : []),
    ...(op === undefined ? [] : [Prisma.sql`d.wanted_op = ${op}`]),
    ...(errorCode === undefined ? [] : [Prisma.sql`d.last_error_code = ${errorCode}`]),
    ...(subjectId === undefined ? [] : [Prisma.sql`d.subject_id = ${subjectId}::bigint`]),
    ...(runId === undefined ? [] : [Prisma.sql`d.run_id = ${runId}`]),
    ...(after === undefined
      ? []
      : [
          Prisma.sql`(d.subject_type, d.subject_id) > (${after.subjectType}, ${after.subjectId}::bigint)`,
        ]),
  ];
  return Prisma.join(conditions, " AND ");
}

async function list(tx: Transaction, filter: DeliveryFilter): Promise<readonly DeliveryRecord[]> {
  const rows = await tx.$queryRaw<DeliveryRow[]>`
    SELECT ${COLUMNS} FROM delivery d WHERE ${toCondition(filter)}
    ORDER BY d.subject_type, d.subject_id LIMIT ${filter.limit}`;
  return rows.map(toRecord);
}

async function count(tx: Transaction, targetId: number): Promise<DeliveryCounts> {
  const [row] = await tx.$queryRaw<
    {
      pending: bigint;
      failing: bigint;
      delivered: bigint;
      ended: bigint;
      oldestWaitSeconds: number | null;
    }[]
  >`
    SELECT count(*) FILTER (WHERE d.state = 'pending' AND d.last_error_code IS NULL) AS pending,
           count(*) FILTER (WHERE d.state = 'pending' AND d.last_error_code IS NOT NULL) AS failing,
           count(*) FILTER (WHERE d.state = 'delivered') AS delivered, count(*) FILTER (WHERE d.state = 'ended') AS ended,
           extract(epoch FROM statement_timestamp() - min(d.wanted_at) FILTER (WHERE d.state = 'pending'))::float8 AS "oldestWaitSeconds"
    FROM delivery d WHERE d.target_id = ${targetId}`;
  return {
    pending: toSafeId(row?.pending ?? 0),
    failing: toSafeId(row?.failing ?? 0),
    delivered: toSafeId(row?.delivered ?? 0),
    ended: toSafeId(row?.ended ?? 0),
    oldestWaitSeconds: row?.oldestWaitSeconds ?? null,
  };
}

async function listByKeys(
  tx: Transaction,
  targetId: number,
  objectKeys: readonly string[],
): Promise<readonly DeliveryRecord[]> {
  if (objectKeys.length === 0) return [];
  const rows = await tx.$queryRaw<DeliveryRow[]>`
    SELECT ${COLUMNS} FROM delivery d JOIN storage s ON s.id = d.target_id
    WHERE d.object_key = ANY (${[...objectKeys]}::text[]) AND d.target_id = ${targetId} AND d.place_version = s.location_version`;
  return rows.map(toRecord);
}

function toRecord(row: DeliveryRow): DeliveryRecord {
  return { ...row, subjectId: toSafeId(row.subjectId) };
}
