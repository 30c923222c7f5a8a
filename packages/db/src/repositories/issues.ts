import { Prisma } from "../../generated/prisma/client.ts";
import { toSafeId } from "@bucketbridge/core";
import type { Database, Transaction } from "../client.ts";

/** One thing that went wrong with one object or row. */
export interface IssueRecord {
  readonly id: number;
  readonly storageId: number;
  /** The last run that met it. */
  readonly runId: number;
  readonly key: string;
  /** -1: the object as a whole. */
  readonly rowIndex: number;
  readonly byteOffset: number | null;
  readonly code: string;
  readonly message: string;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
  readonly resolvedAt: Date | null;
}

/** Which issues; absent fields do not filter. */
export interface IssueFilter {
  readonly storageId: number;
  readonly runId: number;
  readonly code?: string | undefined;
  readonly open?: boolean | undefined;
  /** Only issues with a greater id: the last one of the page before. */
  readonly after?: number | undefined;
  readonly limit: number;
}

/** Reads issues. */
export interface IssueRepository {
  /** The oldest first. */
  list(organizationId: number, filter: IssueFilter): Promise<readonly IssueRecord[]>;
  /** The first `perRun` open issues of each run, the oldest first. */
  listOpen(
    organizationId: number,
    runIds: readonly number[],
    perRun: number,
  ): Promise<readonly IssueRecord[]>;
}

/** Repository over `database`. */
export function createIssueRepository(database: Database): IssueRepository {
  const op = { op: "db.issues" };
  return {
    list: (organizationId, filter) =>
      database.inOrganization(organizationId, (tx) => list(tx, filter), op),
    listOpen: (organizationId, runIds, perRun) =>
      database.inOrganization(organizationId, (tx) => listOpen(tx, runIds, perRun), op),
  };
}

type IssueRow = Omit<IssueRecord, "id" | "byteOffset"> & {
  readonly id: bigint;
  readonly byteOffset: bigint | null;
};

const COLUMNS = Prisma.sql`
  i.id, i.storage_id AS "storageId", i.run_id AS "runId", i.key, i.row_index AS "rowIndex", i.byte_offset AS "byteOffset",
  i.code, i.message, i.first_seen_at AS "firstSeenAt", i.last_seen_at AS "lastSeenAt", i.resolved_at AS "resolvedAt"`;

async function list(tx: Transaction, filter: IssueFilter): Promise<readonly IssueRecord[]> {
  const { code, open, after = 0 } = filter;
  const conditions = [
    // The index on storage and id gives the order; runs alone have an index of their open issues only.
    Prisma.sql`i.storage_id = ${filter.storageId} AND i.run_id = ${filter.runId}`,
    Prisma.sql`i.id > ${after}`,
    ...(code === undefined ? [] : [Prisma.sql`i.code = ${code}`]),
    ...(open === undefined ? [] : [Prisma.sql`(i.resolved_at IS NULL) = ${open}`]),
  ];
  const rows = await tx.$queryRaw<IssueRow[]>`
    SELECT ${COLUMNS}
    FROM issue i WHERE ${Prisma.join(conditions, " AND ")} ORDER BY i.id LIMIT ${filter.limit}`;
  return rows.map(toRecord);
}

async function listOpen(
  tx: Transaction,
  runIds: readonly number[],
  perRun: number,
): Promise<readonly IssueRecord[]> {
  if (runIds.length === 0) return [];
  const rows = await tx.$queryRaw<IssueRow[]>`
    SELECT i.* FROM unnest(${[...runIds]}::int[]) AS wanted (run_id) CROSS JOIN LATERAL (
      SELECT ${COLUMNS} FROM issue i
      WHERE i.run_id = wanted.run_id AND i.resolved_at IS NULL ORDER BY i.id LIMIT ${perRun}) i
    ORDER BY i.id`;
  return rows.map(toRecord);
}

function toRecord(row: IssueRow): IssueRecord {
  const byteOffset = row.byteOffset === null ? null : toSafeId(row.byteOffset);
  return { ...row, id: toSafeId(row.id), byteOffset };
}
