import type { ErrorCode } from "@bucketbridge/core";
import { toSafeId } from "@bucketbridge/core";
import type { Database, Transaction } from "../client.ts";
import type { RunStateValue } from "../import/records.ts";
import { finishExportLocked, lockStorageOfRun, promoteWaiting } from "../runs/transitions.ts";
import {
  runStatement,
  type StatementName,
  type Statements,
  type StatementValue,
} from "../statements.ts";
import { toStorableText } from "../storable-text.ts";
import type { ExportStoreDeps } from "./delivery-store.ts";
import type { TargetKey } from "./records.ts";

/** A run whose target answers nobody for this long ends as failed; its deliveries stay due. */
const OUTAGE_SECONDS = 120;
/** Attempts of a delivery after which a run stops waiting for it; they go on, slower, without the run. */
const RUN_ATTEMPTS = 3;
/** Marks that one transaction takes back when a run is canceled. */
const UNMARK_CHUNK = 1_000;

/** A run of a target. */
export interface ExportRunKey extends TargetKey {
  readonly runId: number;
}

/** A run of a target as it stands now. */
export interface ExportRunRecord extends ExportRunKey {
  readonly number: number;
  readonly kind: "sync" | "retry" | "reconcile";
  readonly state: RunStateValue;
  readonly cancelRequested: boolean;
  /** The last subject id that is marked wanted; null when all are. */
  readonly markedUpTo: number | null;
  readonly onlyChanged: boolean;
}

/** Counts of a run's own cohort. */
export interface ExportProgressRecord {
  readonly phase: "waiting" | "queued" | "marking" | "comparing" | "pushing" | "final";
  readonly total: number;
  readonly settled: number;
  readonly failing: number;
}

interface RunRow {
  readonly number: number;
  readonly kind: ExportRunRecord["kind"];
  readonly state: RunStateValue;
  readonly cancel_requested: boolean;
  readonly marked_up_to: bigint | null;
  readonly only_changed: boolean;
  readonly target_id: number;
}

/** Syncs of targets and their transitions. */
export class ExportRunStore {
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #limits: readonly [outageSeconds: number, attempts: number];

  constructor({ database, statements, outageSeconds = OUTAGE_SECONDS }: ExportStoreDeps) {
    this.#database = database;
    this.#statements = statements;
    this.#limits = [outageSeconds, RUN_ATTEMPTS];
  }

  /** Undefined for a run that is not there, of another organisation, or of a source. */
  async find(run: {
    readonly organizationId: number;
    readonly runId: number;
  }): Promise<ExportRunRecord | undefined> {
    const [row] = await this.#rows<RunRow>(run.organizationId, "export-run-find", [run.runId]);
    if (row === undefined) return undefined;
    return {
      organizationId: run.organizationId,
      targetId: row.target_id,
      runId: run.runId,
      number: row.number,
      kind: row.kind,
      state: row.state,
      cancelRequested: row.cancel_requested,
      markedUpTo: row.marked_up_to === null ? null : toSafeId(row.marked_up_to),
      onlyChanged: row.only_changed,
    };
  }

  /** Undefined: somebody else marked this chunk, the run is over or canceled, or its target changed. */
  async markChunk(
    run: ExportRunRecord,
    chunk: number,
  ): Promise<{ readonly marked: number; readonly done: boolean } | undefined> {
    if (run.markedUpTo === null) return { marked: 0, done: true };
    const values = [run.runId, run.markedUpTo, chunk];
    const [row] = await this.#rows<{ marked: number; done: boolean }>(
      run.organizationId,
      "mark-chunk",
      values,
    );
    return row;
  }

  /**
   * Ends the run when its cohort is settled, has failed or is canceled; exactly one caller gets the state. What a canceled run
   * alone wanted is taken back first. Promotes the waiting run.
   */
  async finish(
    run: ExportRunRecord,
  ): Promise<{ readonly state: RunStateValue; readonly nextRunId: number | null } | undefined> {
    if (run.cancelRequested) await this.#unmark(run);
    return this.#transition(run, "db.run.finish", async (tx) => {
      const values = [run.runId, ...this.#limits];
      const [locked] = await runStatement<{ storage_id: number }>(
        tx,
        this.#statements["export-run-lock"],
        values,
      );
      if (locked === undefined) return undefined;
      const state = await finishExportLocked(tx, this.#statements, run.runId, {
        limits: this.#limits,
      });
      const next = await promoteWaiting(tx, this.#statements, locked.storage_id);
      return state === undefined ? undefined : { state, nextRunId: next?.run_id ?? null };
    });
  }

  /** Ends the run as failed. Undefined: it was over. Its deliveries stay due. */
  async fail(
    run: ExportRunKey,
    failure: { readonly code: ErrorCode; readonly reason: string | null; readonly message: string },
  ): Promise<{ readonly nextRunId: number | null } | undefined> {
    return this.#transition(run, "db.run.fail", async (tx) => {
      const storageId = await lockStorageOfRun(tx, this.#statements, run.runId);
      if (storageId === undefined) return undefined;
      const state = await finishExportLocked(tx, this.#statements, run.runId, {
        limits: this.#limits,
        failure: { ...failure, message: toStorableText(failure.message) },
      });
      if (state === undefined) return undefined;
      const next = await promoteWaiting(tx, this.#statements, storageId);
      return { nextRunId: next?.run_id ?? null };
    });
  }

  /** How far the run's cohort is. */
  async progress(run: ExportRunKey): Promise<ExportProgressRecord | undefined> {
    const [row] = await this.#rows<ExportProgressRecord>(run.organizationId, "export-progress", [
      run.runId,
    ]);
    return row;
  }

  /** Shows that a worker lives, and that the run has begun. The sweep rings for a run without one. */
  async heartbeat(run: ExportRunKey): Promise<void> {
    await this.#rows(run.organizationId, "export-run-heartbeat", [run.runId]);
  }

  async #unmark(run: ExportRunKey): Promise<void> {
    for (;;) {
      const values = [run.runId, UNMARK_CHUNK];
      const [row] = await this.#rows<{ unmarked: number }>(
        run.organizationId,
        "unmark-chunk",
        values,
      );
      if (row === undefined || row.unmarked === 0) return;
    }
  }

  async #rows<Row>(
    organizationId: number,
    name: StatementName,
    values: readonly StatementValue[],
  ): Promise<Row[]> {
    return this.#database.inOrganization(
      organizationId,
      (tx) => runStatement<Row>(tx, this.#statements[name], values),
      { op: "db.run" },
    );
  }

  #transition<T>(run: ExportRunKey, op: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#database.inOrganization(run.organizationId, work, { op });
  }
}
