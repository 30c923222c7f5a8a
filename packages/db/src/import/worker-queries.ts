import type { Database } from "../client.ts";
import type { RunKey } from "./records.ts";

/** What people read about a run on the job board. */
export interface RunCardRecord {
  readonly storageId: number;
  readonly direction: "source" | "target";
  readonly provider: string;
  readonly title: string | null;
  /** Number of the run in its storage. */
  readonly number: number;
}

/** Work that waits for workers, over all organisations. */
export interface WorkCountsRecord {
  readonly activeRuns: number;
  readonly openUnits: number;
  /** At most `MAX_COUNTED` per run. */
  readonly pendingObjects: number;
  /** At most `MAX_COUNTED`. */
  readonly dueDeliveries: number;
}

/** Counting further would cost more than it says: nobody starts a thousand workers. */
const MAX_COUNTED = 10_000;

/** What a run is called; undefined for one that is gone. */
export async function describeRun(
  database: Database,
  { organizationId, runId }: RunKey,
): Promise<RunCardRecord | undefined> {
  const [card] = await database.inOrganization(
    organizationId,
    (tx) => tx.$queryRaw<RunCardRecord[]>`
      SELECT s.id AS "storageId", s.direction, s.provider, s.title, r.number
      FROM run r JOIN storage s ON s.id = r.storage_id WHERE r.id = ${runId}`,
    { op: "db.run.describe" },
  );
  return card;
}

/** What people read about a target on the job board. */
export interface TargetCardRecord {
  readonly provider: string;
  readonly title: string | null;
}

/** What a target is called; undefined for one that is gone. */
export async function describeTarget(
  database: Database,
  { organizationId, targetId }: { readonly organizationId: number; readonly targetId: number },
): Promise<TargetCardRecord | undefined> {
  const [card] = await database.inOrganization(
    organizationId,
    (tx) => tx.$queryRaw<TargetCardRecord[]>`
      SELECT provider, title FROM storage WHERE id = ${targetId} AND direction = 'target' AND deleted_at IS NULL`,
    { op: "db.target.describe" },
  );
  return card;
}

/**
 * Draws a number for the next turn of one of an organisation's jobs; jobs are served lowest number first. Numbers of an
 * organisation rise by one per turn, so organisations take turns whatever number of runs each has, and so do the runs of
 * one organisation. `served` is the number of the turn that has just ended, 0 for a new job: it moves the clock, from which
 * an organisation goes on that had no work for a while, since turns cannot be saved up.
 */
export async function drawTurn(
  database: Database,
  { organizationId, served }: { readonly organizationId: number; readonly served: number },
): Promise<number> {
  const [drawn] = await database.inMaintenance(
    (tx) => tx.$queryRaw<{ turns: number }[]>`
      WITH clock AS MATERIALIZED (
        SELECT CASE WHEN ${served}::bigint > last_value THEN setval('turn_clock', ${served}::bigint) ELSE last_value END AS number
        FROM turn_clock)
      UPDATE organization o SET turns = 1 + greatest(o.turns, clock.number) FROM clock
      WHERE o.id = ${organizationId} RETURNING o.turns::float8 AS turns`,
    { op: "db.turn.draw", commitWithoutFlush: true },
  );
  return drawn?.turns ?? 1;
}

/** Counts what decides how many workers are worth having. */
export async function countWork(database: Database): Promise<WorkCountsRecord> {
  const [counts] = await database.inMaintenance(
    (tx) => tx.$queryRaw<WorkCountsRecord[]>`
      WITH active AS MATERIALIZED (
        SELECT r.id, s.id AS storage_id, s.location_version
        FROM run r JOIN storage s ON s.id = r.storage_id WHERE r.state IN ('queued', 'running') AND s.direction = 'source')
      SELECT (SELECT count(*)::int FROM active) AS "activeRuns",
        (SELECT count(*)::int FROM scan_unit g JOIN active a ON a.id = g.run_id WHERE g.state = 'open') AS "openUnits",
        (SELECT coalesce(sum(p.objects), 0)::int FROM active a CROSS JOIN LATERAL (
           SELECT count(*) AS objects FROM (
             SELECT FROM source_object o
             WHERE o.storage_id = a.storage_id AND o.location_version = a.location_version AND o.state = 'pending'
             LIMIT ${MAX_COUNTED}) x) p) AS "pendingObjects",
        (SELECT count(*)::int FROM (
           SELECT FROM storage t JOIN delivery d ON d.target_id = t.id AND d.due_at <= statement_timestamp()
           WHERE t.direction = 'target' AND t.deleted_at IS NULL LIMIT ${MAX_COUNTED}) x) AS "dueDeliveries"`,
    { op: "db.work.count" },
  );
  return counts ?? { activeRuns: 0, openUnits: 0, pendingObjects: 0, dueDeliveries: 0 };
}
