import { toSafeId } from "@bucketbridge/core";
import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";
import { toStorableText } from "../storable-text.ts";
import { SETTLE_SECONDS } from "./delivery-store.ts";
import type { DeliverySubjectName, TargetKey } from "./records.ts";

/**
 * missing: delivered and not in the bucket. changed: there, with another etag or size than was put. foreign: nobody delivered it.
 * stale: there again although it was deleted.
 */
export type ReconcileKind = "missing" | "changed" | "foreign" | "stale";

/** One thing that a comparison found. */
export interface ReconcileEntry {
  readonly kind: ReconcileKind;
  readonly key: string;
  /** Null for a foreign object. */
  readonly subject: { readonly type: DeliverySubjectName; readonly id: number } | null;
}

/** What was found of one kind. */
export interface ReconcileFindings {
  readonly kind: ReconcileKind;
  readonly count: number;
  /** The first ones, ascending. */
  readonly entries: readonly ReconcileEntry[];
}

/** Numbers of findings by kind. */
export type ReconcileCounts = Readonly<Record<ReconcileKind, number>>;

/** The comparison of a target that is shown: the one asked for, else the newest that has begun. */
export interface ReconcileRun {
  readonly runId: number;
  readonly counts: ReconcileCounts;
}

/** Which findings of a comparison. */
export interface ReconcileFilter {
  readonly runId: number;
  readonly kind?: ReconcileKind | undefined;
  /** The last one of the page before. */
  readonly after?: { readonly kind: ReconcileKind; readonly key: string } | undefined;
  readonly limit: number;
}

/** Keys that are kept of each kind; more of them help nobody, their number is exact. */
const KEPT_KEYS = 10_000;
/** Characters of a key that are kept: an entry of the index takes no more. */
const KEPT_CHARS = 600;

/** What comparisons of deliveries with buckets found. */
export interface ReconcileStore {
  /** Adds findings of one page. Each one is counted, so a page must be added once. */
  add(
    run: TargetKey & { readonly runId: number },
    entries: readonly ReconcileEntry[],
  ): Promise<void>;
  /** In the order of the kinds. */
  list(organizationId: number, runId: number): Promise<readonly ReconcileFindings[]>;
  /** Undefined: the target has no such comparison, or none has begun. */
  findRun(target: TargetKey, runId?: number): Promise<ReconcileRun | undefined>;
  /** By kind, then by key. */
  page(organizationId: number, filter: ReconcileFilter): Promise<readonly ReconcileEntry[]>;
  /** Forgets all of a run: it begins anew. */
  clear(run: TargetKey & { readonly runId: number }): Promise<void>;
  /** Wants subjects put (or deleted) again and once more after it settled, as part of the run; ring the target. Returns how many. */
  repair(
    run: TargetKey & { readonly runId: number },
    subjects: readonly { readonly type: DeliverySubjectName; readonly id: number }[],
  ): Promise<number>;
}

/** Store over `database`. */
export function createReconcileStore(database: Database): ReconcileStore {
  const op = { op: "db.reconcile" };
  return {
    add: ({ organizationId, runId }, entries) =>
      database.inOrganization(
        organizationId,
        (tx) => addFindings(tx, { organizationId, runId }, entries),
        op,
      ),
    list: (organizationId, runId) =>
      database.inOrganization(organizationId, (tx) => list(tx, runId), op),
    clear: ({ organizationId, runId }) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          await tx.reconcileFinding.deleteMany({ where: { runId } });
        },
        op,
      ),
    repair: (run, subjects) =>
      database.inOrganization(run.organizationId, (tx) => repairSubjects(tx, run, subjects), op),
    findRun: (target, runId) =>
      database.inOrganization(target.organizationId, (tx) => findRun(tx, target, runId), op),
    page: (organizationId, filter) =>
      database.inOrganization(organizationId, (tx) => page(tx, filter), op),
  };
}

async function findRun(
  tx: Transaction,
  { targetId }: TargetKey,
  runId: number | undefined,
): Promise<ReconcileRun | undefined> {
  const run = await tx.run.findFirst({
    where: {
      storageId: targetId,
      kind: "reconcile",
      ...(runId === undefined ? { startedAt: { not: null } } : { id: runId }),
    },
    orderBy: { id: "desc" },
    select: { id: true },
  });
  if (run === null) return undefined;
  const rows = await tx.reconcileFinding.findMany({ where: { runId: run.id, key: "" } });
  const countOf = (kind: ReconcileKind): number =>
    toSafeId(rows.find((row) => row.kind === kind)?.count ?? 0);
  const counts = {
    missing: countOf("missing"),
    changed: countOf("changed"),
    stale: countOf("stale"),
    foreign: countOf("foreign"),
  };
  return { runId: run.id, counts };
}

async function page(
  tx: Transaction,
  { runId, kind, after, limit }: ReconcileFilter,
): Promise<readonly ReconcileEntry[]> {
  const rows = await tx.$queryRaw<FindingRow[]>`
    SELECT f.kind, f.key, f.subject_type AS "subjectType", f.subject_id AS "subjectId" FROM reconcile_finding f
    WHERE f.run_id = ${runId} AND f.key <> ''
      ${kind === undefined ? Prisma.empty : Prisma.sql`AND f.kind = ${kind}`}
      ${after === undefined ? Prisma.empty : Prisma.sql`AND (f.kind, f.key) > (${after.kind}, ${after.key} COLLATE "C")`}
    ORDER BY f.kind, f.key LIMIT ${limit}`;
  return rows.map(toEntry);
}

interface FindingRow {
  readonly kind: string;
  readonly key: string;
  readonly subjectType: string | null;
  readonly subjectId: bigint | null;
}

function toEntry({ kind, key, subjectType, subjectId }: FindingRow): ReconcileEntry {
  const subject =
    subjectType === null || subjectId === null
      ? null
      : {
          type: subjectType === "task" ? ("task" as const) : ("annotation" as const),
          id: toSafeId(subjectId),
        };
  return { kind: kind as ReconcileKind, key, subject };
}

/** As `ReconcileStore.add`, in a transaction that is open. */
export async function addFindings(
  tx: Transaction,
  run: { readonly organizationId: number; readonly runId: number },
  entries: readonly ReconcileEntry[],
): Promise<void> {
  for (const [kind, found] of Map.groupBy(entries, (entry) => entry.kind)) {
    const [total] = await tx.$queryRaw<{ count: bigint }[]>`
      INSERT INTO reconcile_finding AS f (run_id, organization_id, kind, key, count)
      VALUES (${run.runId}, ${run.organizationId}, ${kind}, '', ${found.length})
      ON CONFLICT (run_id, kind, key) DO UPDATE SET count = f.count + excluded.count
      RETURNING f.count`;
    const before = toSafeId(total?.count ?? 0) - found.length;
    const kept = found.slice(0, Math.max(KEPT_KEYS - before, 0));
    if (kept.length === 0) continue;
    await tx.reconcileFinding.createMany({
      data: kept.map(({ key, subject }) => ({
        ...run,
        kind,
        key: toStorableText(key.slice(0, KEPT_CHARS)),
        subjectType: subject?.type ?? null,
        subjectId: subject?.id ?? null,
      })),
      skipDuplicates: true,
    });
  }
}

async function list(tx: Transaction, runId: number): Promise<readonly ReconcileFindings[]> {
  const rows = await tx.reconcileFinding.findMany({
    where: { runId },
    orderBy: [{ kind: "asc" }, { key: "asc" }],
  });
  return [...Map.groupBy(rows, (row) => row.kind as ReconcileKind)].map(([kind, found]) => ({
    kind,
    count: toSafeId(found.find(({ key }) => key === "")?.count ?? 0),
    entries: found.filter(({ key }) => key !== "").map(toEntry),
  }));
}

/** As `ReconcileStore.repair`. Rows in the order that every statement on deliveries takes them; what is leased is put anyway. */
export async function repairSubjects(
  tx: Transaction,
  { targetId, runId }: TargetKey & { readonly runId: number },
  subjects: readonly { readonly type: DeliverySubjectName; readonly id: number }[],
  settleSeconds = SETTLE_SECONDS,
): Promise<number> {
  if (subjects.length === 0) return 0;
  const types = subjects.map(({ type }) => type);
  const ids = subjects.map(({ id }) => id);
  const repaired = await tx.$executeRaw`
    WITH held AS MATERIALIZED (
      SELECT d.subject_type, d.subject_id FROM unnest(${types}::text[], ${ids}::bigint[]) AS g (subject_type, subject_id)
      JOIN delivery d ON d.target_id = ${targetId} AND d.subject_type = g.subject_type AND d.subject_id = g.subject_id
      WHERE d.state <> 'ended'
      ORDER BY d.subject_type, d.subject_id FOR NO KEY UPDATE OF d
    ), counted AS (
      UPDATE run r SET marked = r.marked + (SELECT count(*) FROM held) WHERE r.id = ${runId}
    )
    UPDATE delivery d
    SET state = 'pending', run_id = ${runId}, run_revision = d.wanted_revision,
        wanted_at = CASE WHEN d.state = 'pending' THEN d.wanted_at ELSE statement_timestamp() END,
        settle_at = greatest(d.settle_at, statement_timestamp() + make_interval(secs => ${settleSeconds}::float8)),
        due_at = CASE WHEN d.lease_owner IS NULL THEN least(d.due_at, statement_timestamp()) ELSE d.due_at END
    FROM held h WHERE d.target_id = ${targetId} AND d.subject_type = h.subject_type AND d.subject_id = h.subject_id`;
  return repaired;
}
