import type { Database } from "../client.ts";
import { loadStatements, runStatement, type Statements } from "../statements.ts";

/** A target that nobody works on although it has something to do. */
export interface TargetFinding {
  /** push: deliveries are due: ring the target. run: an active sync has no worker: ring that run. */
  readonly kind: "push" | "run";
  readonly organizationId: number;
  readonly targetId: number;
  readonly provider: string;
  readonly title: string | null;
  /** Of a `run`; null for a push. */
  readonly runId: number | null;
  readonly number: number | null;
}

interface FindingRow {
  readonly kind: TargetFinding["kind"];
  readonly organization_id: number;
  readonly target_id: number;
  readonly provider: string;
  readonly title: string | null;
  readonly run_id: number | null;
  readonly number: number | null;
}

/** Advisory lock of this sweep: one worker at a time looks. */
const SWEEP_LOCK = 7_202_612;

/**
 * Targets that need a ring, over all organisations, at most `limit`; undefined while another worker looks. Waiting runs that
 * nobody promoted are found by `sweep`. Ringing twice is harmless.
 */
export async function sweepTargets(
  database: Database,
  limit: number,
  statements: Statements = loadStatements(),
): Promise<readonly TargetFinding[] | undefined> {
  const rows = await database.inMaintenance(
    async (tx) => {
      const [lock] = await tx.$queryRaw<{ isOurs: boolean }[]>`
        SELECT pg_try_advisory_xact_lock(${SWEEP_LOCK}) AS "isOurs"`;
      if (lock?.isOurs !== true) return undefined;
      return runStatement<FindingRow>(tx, statements["sweep-targets"], [limit]);
    },
    { op: "db.sweep.targets" },
  );
  return rows?.map((row) => ({
    kind: row.kind,
    organizationId: row.organization_id,
    targetId: row.target_id,
    provider: row.provider,
    title: row.title,
    runId: row.run_id,
    number: row.number,
  }));
}
