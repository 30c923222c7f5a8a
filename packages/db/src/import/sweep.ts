import type { Database } from "../client.ts";
import { lockStorage, promoteWaiting } from "../runs/transitions.ts";
import { loadStatements, runStatement, type Statements } from "../statements.ts";

/** One thing that nobody works on. */
export interface SweepFinding {
  /**
   * scan: a unit is free: ring the run. load: objects are due: ring the run and its load slots. finish: ask the run store to
   * finish it. promote: a run waits although none is active: {@link promoteStorage}.
   */
  readonly kind: "scan" | "load" | "finish" | "promote";
  readonly organizationId: number;
  readonly runId: number;
  readonly storageId: number;
  /** For the label of a job. */
  readonly number: number;
  readonly provider: string;
  readonly title: string | null;
}

interface SweepRow {
  readonly kind: SweepFinding["kind"];
  readonly run_id: number;
  readonly storage_id: number;
  readonly organization_id: number;
  readonly number: number;
  readonly provider: string;
  readonly title: string | null;
}

/**
 * Advisory lock of the transaction that sweeps. Not of a session: a frozen worker would then keep all others from sweeping,
 * while an idle transaction is ended by the server.
 */
const SWEEP_LOCK = 7_202_611;

/**
 * What needs a ring, over all organisations, oldest run first, at most `limit`; undefined while another worker sweeps. Ends the
 * runs of deleted storages and projects on the way. Findings that were rung and come again are harmless. Workers call it every
 * few seconds; it is the only thing that is needed after a crash.
 */
export async function sweep(
  database: Database,
  limit: number,
  statements: Statements = loadStatements(),
): Promise<readonly SweepFinding[] | undefined> {
  const rows = await database.inMaintenance(
    async (tx) => {
      const [lock] = await tx.$queryRaw<{ isOurs: boolean }[]>`
        SELECT pg_try_advisory_xact_lock(${SWEEP_LOCK}) AS "isOurs"`;
      if (lock?.isOurs !== true) return undefined;
      await runStatement(tx, statements["runs-of-deleted"], []);
      return runStatement<SweepRow>(tx, statements.sweep, [limit]);
    },
    { op: "db.sweep" },
  );
  return rows?.map((row) => ({
    kind: row.kind,
    organizationId: row.organization_id,
    runId: row.run_id,
    storageId: row.storage_id,
    number: row.number,
    provider: row.provider,
    title: row.title,
  }));
}

/** Starts the waiting run of a storage when none is active; returns its id to ring for. */
export async function promoteStorage(
  database: Database,
  { organizationId, storageId }: { readonly organizationId: number; readonly storageId: number },
  statements: Statements = loadStatements(),
): Promise<number | undefined> {
  return database.inOrganization(
    organizationId,
    async (tx) => {
      if (!(await lockStorage(tx, statements, storageId))) return undefined;
      return (await promoteWaiting(tx, statements, storageId))?.run_id;
    },
    { op: "db.run.promote" },
  );
}
