import { Prisma } from "../../generated/prisma/client.ts";
import { toSafeId } from "@bucketbridge/core";
import type { Database, Transaction } from "../client.ts";
import type { RunStateValue } from "../import/records.ts";

/** Kinds of a run, as the table checks them. */
export type RunKindName = "sync" | "dry_run" | "retry" | "reconcile";

/**
 * A run with its counts: sums so far while it is active, totals afterwards. Of a target: phase `listing` while subjects are marked
 * wanted, then `loading`; `listed` are those marked, `created` and `tasks` those settled, `pending` those left, `failed` those
 * whose last push failed. Of a comparison `listed` are the objects that were seen, `created` what was repaired.
 */
export interface RunRecord {
  readonly id: number;
  readonly organizationId: number;
  readonly storageId: number;
  readonly projectId: number;
  readonly number: number;
  readonly kind: RunKindName;
  readonly trigger: string;
  readonly state: RunStateValue;
  readonly phase: "waiting" | "queued" | "listing" | "loading" | "final";
  readonly cancelRequested: boolean;
  /** Targets that write where the source of this run reads: what they wrote was skipped. */
  readonly overlappingTargets: readonly number[];
  readonly errorCode: string | null;
  readonly errorReason: string | null;
  readonly errorMessage: string | null;
  readonly createdAt: Date;
  readonly queuedAt: Date | null;
  readonly startedAt: Date | null;
  readonly heartbeatAt: Date | null;
  readonly finishedAt: Date | null;
  readonly listed: number;
  readonly created: number;
  readonly known: number;
  readonly skipped: number;
  readonly failed: number;
  /** Objects that wait to be loaded. */
  readonly pending: number;
  readonly tasks: number;
  /** Tasks that were there before it, of the objects that it saw. */
  readonly tasksExisted: number;
}

/** Which runs; absent fields do not filter. */
export interface RunFilter {
  readonly projectId?: number | undefined;
  readonly storageId?: number | undefined;
  readonly state?: RunStateValue | undefined;
  readonly kind?: RunKindName | undefined;
  /** Only runs with a smaller id: the last one of the page before. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** The newest sync of a storage that began, with everything after it: what the contract's status is a view of. */
export interface StatusRuns {
  readonly storageId: number;
  /** Syncs and retries that left the waiting state, ever. */
  readonly attempts: number;
  /** Oldest first; waiting ones included. */
  readonly runs: readonly RunRecord[];
}

/** What a dry run found for one reason. */
export interface DryRunFindingRecord {
  readonly reason: string;
  readonly count: number;
  /** The first ones, ascending. */
  readonly keys: readonly string[];
}

/** Reads runs; whoever changes one uses the transitions in `runs/`. */
export interface RunRepository {
  /** Newest first. Runs of deleted storages are left out. */
  list(organizationId: number, filter: RunFilter): Promise<readonly RunRecord[]>;
  /** Undefined for a run of another organisation or of a deleted storage. */
  find(organizationId: number, runId: number): Promise<RunRecord | undefined>;
  /** One entry per storage that has runs. */
  listStatusRuns(
    organizationId: number,
    storageIds: readonly number[],
  ): Promise<readonly StatusRuns[]>;
  /** In the order of their reasons. */
  listFindings(organizationId: number, runId: number): Promise<readonly DryRunFindingRecord[]>;
}

/** Repository over `database`. */
export function createRunRepository(database: Database): RunRepository {
  const op = { op: "db.runs" };
  return {
    list: (organizationId, filter) =>
      database.inOrganization(organizationId, (tx) => list(tx, filter), op),
    find: (organizationId, runId) =>
      database.inOrganization(organizationId, (tx) => find(tx, runId), op),
    listStatusRuns: (organizationId, storageIds) =>
      database.inOrganization(organizationId, (tx) => listStatusRuns(tx, storageIds), op),
    listFindings: (organizationId, runId) =>
      database.inOrganization(organizationId, (tx) => listFindings(tx, runId), op),
  };
}

/** bigint columns arrive as BigInt. */
type RunRow = Omit<RunRecord, CountName> & { readonly [Name in CountName]: bigint | number };
type CountName =
  "listed" | "created" | "known" | "skipped" | "failed" | "pending" | "tasks" | "tasksExisted";

const RUN_COLUMNS = Prisma.sql`
  r.id, r.organization_id AS "organizationId", r.storage_id AS "storageId", s.project_id AS "projectId", r.number, r.kind,
  r.trigger, r.state, r.cancel_requested AS "cancelRequested", coalesce(r.options->'overlapping_targets', '[]') AS "overlappingTargets", r.error_code AS "errorCode", r.error_reason AS "errorReason",
  r.error_message AS "errorMessage", r.created_at AS "createdAt", r.queued_at AS "queuedAt", r.started_at AS "startedAt",
  r.heartbeat_at AS "heartbeatAt", r.finished_at AS "finishedAt",
  CASE WHEN r.state IN ('waiting', 'queued') THEN r.state WHEN r.state <> 'running' THEN 'final'
       WHEN s.direction = 'target' THEN CASE WHEN r.marking_done THEN 'loading' ELSE 'listing' END
       WHEN unit.open THEN 'listing' ELSE 'loading' END AS phase,
  coalesce(r.seen, unit.seen + CASE r.kind WHEN 'reconcile' THEN r.compared ELSE r.marked END, 0) AS listed,
  coalesce(r.created, unit.created + greatest(r.marked - cohort.rest, 0), 0) AS created,
  coalesce(r.known, greatest(unit.known, 0)) AS known, coalesce(r.skipped, unit.skipped, 0) AS skipped,
  coalesce(r.failed, CASE WHEN r.kind = 'dry_run' THEN unit.failed ELSE bad.issues + cohort.failing END) AS failed,
  CASE WHEN r.state IN ('queued', 'running') THEN greatest(r.pending_before + unit.pending - load.objects, 0) + cohort.rest ELSE 0 END AS pending,
  coalesce(r.tasks, unit.tasks + load.rows + greatest(r.marked - cohort.rest, 0)) AS tasks, coalesce(r.tasks_existed, unit.existed) AS "tasksExisted"`;

/** Sums as in run-progress.sql, taken only of active runs: final ones have their totals. */
const RUN_TABLES = Prisma.sql`
  FROM run r
  JOIN storage s ON s.id = r.storage_id AND s.deleted_at IS NULL
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(g.seen), 0)::bigint AS seen, coalesce(sum(g.created), 0)::bigint AS created,
           coalesce(sum(g.known), 0)::bigint AS known, coalesce(sum(g.skipped), 0)::bigint AS skipped,
           coalesce(sum(g.failed), 0)::bigint AS failed, coalesce(sum(g.pending), 0)::bigint AS pending,
           coalesce(sum(g.tasks), 0)::bigint AS tasks, coalesce(sum(g.existed), 0)::bigint AS existed,
           coalesce(bool_or(g.state = 'open'), false) AS open
    FROM scan_unit g WHERE g.run_id = r.id AND r.finished_at IS NULL) unit
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(l.rows), 0)::bigint AS rows, coalesce(sum(l.objects), 0)::bigint AS objects
    FROM run_slot l WHERE l.run_id = r.id AND r.finished_at IS NULL) load
  CROSS JOIN LATERAL (
    SELECT count(*) AS issues FROM issue i
    WHERE i.run_id = r.id AND i.resolved_at IS NULL AND r.finished_at IS NULL) bad
  CROSS JOIN LATERAL (
    SELECT count(*) AS rest, count(*) FILTER (WHERE d.last_error_code IS NOT NULL) AS failing
    FROM delivery d WHERE d.run_id = r.id AND r.finished_at IS NULL) cohort`;

async function list(tx: Transaction, filter: RunFilter): Promise<readonly RunRecord[]> {
  const { projectId, storageId, state, kind, before } = filter;
  const conditions = [
    ...(projectId === undefined ? [] : [Prisma.sql`s.project_id = ${projectId}`]),
    ...(storageId === undefined ? [] : [Prisma.sql`r.storage_id = ${storageId}`]),
    ...(state === undefined ? [] : [Prisma.sql`r.state = ${state}`]),
    ...(kind === undefined ? [] : [Prisma.sql`r.kind = ${kind}`]),
    ...(before === undefined ? [] : [Prisma.sql`r.id < ${before}`]),
    Prisma.sql`true`,
  ];
  const rows = await tx.$queryRaw<RunRow[]>`
    SELECT ${RUN_COLUMNS} ${RUN_TABLES} WHERE ${Prisma.join(conditions, " AND ")}
    ORDER BY r.id DESC LIMIT ${filter.limit}`;
  return rows.map(toRecord);
}

async function find(tx: Transaction, runId: number): Promise<RunRecord | undefined> {
  const rows = await tx.$queryRaw<
    RunRow[]
  >`SELECT ${RUN_COLUMNS} ${RUN_TABLES} WHERE r.id = ${runId}`;
  return rows.map(toRecord)[0];
}

/** A run that was canceled while it waited never began. */
const HAS_BEGUN = Prisma.sql`r.state <> 'waiting' AND (r.state <> 'canceled' OR r.queued_at IS NOT NULL OR r.started_at IS NOT NULL)`;
const SHOWS = Prisma.sql`r.kind IN ('sync', 'retry')`;

async function listStatusRuns(
  tx: Transaction,
  storageIds: readonly number[],
): Promise<readonly StatusRuns[]> {
  if (storageIds.length === 0) return [];
  const ids = [...storageIds];
  const attempts = await tx.$queryRaw<{ storageId: number; attempts: bigint; first: number }[]>`
    SELECT r.storage_id AS "storageId", count(*) FILTER (WHERE ${HAS_BEGUN}) AS attempts,
           coalesce(max(r.number) FILTER (WHERE r.kind = 'sync' AND ${HAS_BEGUN}), 0) AS first
    FROM run r WHERE r.storage_id = ANY (${ids}) AND ${SHOWS} GROUP BY r.storage_id`;
  if (attempts.length === 0) return [];
  const known = attempts.map(({ storageId }) => storageId);
  const first = attempts.map((row) => row.first);
  const rows = await tx.$queryRaw<RunRow[]>`
    SELECT ${RUN_COLUMNS} ${RUN_TABLES}
    JOIN unnest(${known}::int[], ${first}::int[]) AS since (storage_id, number)
      ON since.storage_id = r.storage_id AND r.number >= since.number
    WHERE ${SHOWS} ORDER BY r.storage_id, r.number`;
  const runs = Map.groupBy(rows.map(toRecord), (run) => run.storageId);
  return attempts.map((row) => ({
    storageId: row.storageId,
    attempts: toSafeId(row.attempts),
    runs: runs.get(row.storageId) ?? [],
  }));
}

async function listFindings(
  tx: Transaction,
  runId: number,
): Promise<readonly DryRunFindingRecord[]> {
  const rows = await tx.$queryRaw<
    { reason: string; count: bigint | null; keys: string[] | null }[]
  >`
    SELECT f.reason, max(f.count) FILTER (WHERE f.key = '') AS count,
           array_agg(f.key ORDER BY f.key) FILTER (WHERE f.key <> '') AS keys
    FROM dry_run_finding f WHERE f.run_id = ${runId} GROUP BY f.reason ORDER BY f.reason`;
  return rows.map(({ reason, count, keys }) => ({
    reason,
    count: toSafeId(count ?? 0),
    keys: keys ?? [],
  }));
}

function toRecord(row: RunRow): RunRecord {
  return {
    ...row,
    listed: toSafeId(row.listed),
    created: toSafeId(row.created),
    known: toSafeId(row.known),
    skipped: toSafeId(row.skipped),
    failed: toSafeId(row.failed),
    pending: toSafeId(row.pending),
    tasks: toSafeId(row.tasks),
    tasksExisted: toSafeId(row.tasksExisted),
  };
}
