import type { Database, Transaction } from "../client.ts";
import {
  finishLocked,
  lockStorageOfRun,
  promoteWaiting,
  type PromotedRun,
} from "../runs/transitions.ts";
import {
  loadStatements,
  runStatement,
  type Statements,
  type StatementValue,
} from "../statements.ts";
import { toStorableText } from "../storable-text.ts";
import type {
  ImportKind,
  RunKey,
  RunStateValue,
  SourceRecord,
  UnitLeaseRecord,
} from "./records.ts";
import { toSource, type SourceRow } from "./source-row.ts";

/** A run as it stands now. */
export interface RunSnapshotRecord extends RunKey {
  readonly kind: ImportKind;
  readonly number: number;
  readonly state: RunStateValue;
  readonly cancelRequested: boolean;
  readonly settingsVersion: number;
  readonly source: SourceRecord;
}

/** Sums while the run is active, totals afterwards. */
export interface RunProgressRecord {
  readonly state: RunStateValue;
  readonly phase: "waiting" | "queued" | "listing" | "loading" | "final";
  readonly listed: number;
  readonly created: number;
  readonly known: number;
  readonly skipped: number;
  readonly failed: number;
  readonly pending: number;
  readonly tasks: number;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** Why a run ends as failed. */
export interface RunFailureRecord {
  readonly code: string;
  readonly reason: string | null;
  readonly message: string;
}

interface SnapshotRow extends SourceRow {
  readonly kind: ImportKind;
  readonly number: number;
  readonly state: RunStateValue;
  readonly cancel_requested: boolean;
  readonly run_settings_version: number;
}

type ProgressRow = Omit<RunProgressRecord, "startedAt" | "finishedAt"> & {
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
};

/** Runs of the import engine and their transitions. */
export class RunStore {
  readonly #database: Database;
  readonly #statements: Statements;

  constructor({ database, statements = loadStatements() }: RunStoreDeps) {
    this.#database = database;
    this.#statements = statements;
  }

  /** Undefined for a run that is not there or of another organisation. */
  async find(run: RunKey): Promise<RunSnapshotRecord | undefined> {
    const [row] = await this.#rows<SnapshotRow>(run, "run-snapshot", [run.runId]);
    if (row === undefined) return undefined;
    return {
      organizationId: run.organizationId,
      runId: run.runId,
      kind: row.kind,
      number: row.number,
      state: row.state,
      cancelRequested: row.cancel_requested,
      settingsVersion: row.run_settings_version,
      source: toSource(row, run, this.#database.keyRing),
    };
  }

  /**
   * Ends the run when nothing is listing, pending or leased; exactly one caller gets the state. Promotes the waiting run. Call
   * it after the commit that removed the last work, never inside that transaction: two workers that finish together would
   * both see the other one unfinished.
   */
  async finish(
    run: RunKey,
  ): Promise<{ readonly state: RunStateValue; readonly nextRunId: number | null } | undefined> {
    return this.#transition(run, "db.run.finish", async (tx) => {
      const [locked] = await runStatement<{ storage_id: number }>(
        tx,
        this.#statements["run-lock"],
        [run.runId],
      );
      if (locked === undefined) return undefined;
      const state = await finishLocked(tx, this.#statements, run.runId);
      const next = await promoteWaiting(tx, this.#statements, locked.storage_id);
      return state === undefined ? undefined : { state, nextRunId: toNextRunId(next) };
    });
  }

  /** Ends the run as failed, while `lease` (when given) is held. Promotes the waiting run. Undefined: nothing was written. */
  async fail(
    run: RunKey,
    failure: RunFailureRecord,
    lease: UnitLeaseRecord | undefined,
  ): Promise<{ readonly nextRunId: number | null } | undefined> {
    return this.#transition(run, "db.run.fail", async (tx) => {
      const storageId = await lockStorageOfRun(tx, this.#statements, run.runId);
      if (storageId === undefined) return undefined;
      const ended = await runStatement(tx, this.#statements["run-fail"], [
        run.runId,
        failure.code,
        failure.reason,
        toStorableText(failure.message),
        lease?.number ?? null,
        lease?.epoch ?? null,
      ]);
      if (ended.length === 0) return undefined;
      const next = await promoteWaiting(tx, this.#statements, storageId);
      return { nextRunId: toNextRunId(next) };
    });
  }

  /** How far the run is. */
  async progress(run: RunKey): Promise<RunProgressRecord | undefined> {
    const [row] = await this.#rows<ProgressRow>(run, "run-progress", [run.runId]);
    if (row === undefined) return undefined;
    const { started_at: startedAt, finished_at: finishedAt, ...counts } = row;
    return { ...counts, startedAt, finishedAt };
  }

  /** Shows that a worker lives; nothing is decided by it. */
  async heartbeat(run: RunKey): Promise<void> {
    await this.#rows(run, "run-heartbeat", [run.runId]);
  }

  /** Objects that could be claimed now, up to `limit`. */
  async countClaimable(run: RunKey, limit: number): Promise<number> {
    const [row] = await this.#rows<{ count: number }>(run, "run-claimable", [run.runId, limit]);
    return row?.count ?? 0;
  }

  async #rows<Row>(
    run: RunKey,
    name: "run-snapshot" | "run-progress" | "run-heartbeat" | "run-claimable",
    values: readonly StatementValue[],
  ): Promise<Row[]> {
    return this.#transition(run, "db.run", (tx) =>
      runStatement<Row>(tx, this.#statements[name], values),
    );
  }

  #transition<T>(run: RunKey, op: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#database.inOrganization(run.organizationId, work, { op });
  }
}

/** What the run store is made with. */
export interface RunStoreDeps {
  readonly database: Database;
  readonly statements?: Statements | undefined;
}

function toNextRunId(next: PromotedRun | undefined): number | null {
  return next?.run_id ?? null;
}
