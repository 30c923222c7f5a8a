import type { Transaction } from "../client.ts";
import type { RunStateValue } from "../import/records.ts";
import { runStatement, type Statements } from "../statements.ts";

// A run moves from state to state only in transactions whose first statement locks the storage row, and which end by
// promoting the waiting run. Storage first, then run: the order of locks everywhere.

/** A run that was started because none was active any more. */
export interface PromotedRun {
  readonly run_id: number;
  readonly kind: string;
  readonly state: RunStateValue;
}

/** Locks the storage row; false when the storage does not exist (any more). */
export async function lockStorage(
  tx: Transaction,
  statements: Statements,
  storageId: number,
): Promise<boolean> {
  return (await runStatement(tx, statements["storage-lock"], [storageId])).length > 0;
}

/** Locks the storage row of a run and returns its id; undefined: no such run. */
export async function lockStorageOfRun(
  tx: Transaction,
  statements: Statements,
  runId: number,
): Promise<number | undefined> {
  const [row] = await runStatement<{ storage_id: number }>(tx, statements["run-storage-lock"], [
    runId,
  ]);
  return row?.storage_id;
}

/** Starts the oldest waiting run of the storage when none is active. */
export async function promoteWaiting(
  tx: Transaction,
  statements: Statements,
  storageId: number,
): Promise<PromotedRun | undefined> {
  return (await runStatement<PromotedRun>(tx, statements["run-promote"], [storageId]))[0];
}

/** Ends the run when nothing of it is left to do; the storage row is locked already. */
export async function finishLocked(
  tx: Transaction,
  statements: Statements,
  runId: number,
): Promise<RunStateValue | undefined> {
  const [row] = await runStatement<{ state: RunStateValue }>(tx, statements["run-finish"], [runId]);
  return row?.state;
}

/** How a run of a target ends; `failure`: as failed, whatever it did. */
export interface ExportFinish {
  /** Seconds of an outage, and attempts of a delivery, after which the run stops waiting. */
  readonly limits: readonly [outageSeconds: number, attempts: number];
  readonly failure?: {
    readonly code: string;
    readonly reason: string | null;
    readonly message: string;
  };
}

/** Ends a run of a target when its cohort has settled; the storage row is locked already. */
export async function finishExportLocked(
  tx: Transaction,
  statements: Statements,
  runId: number,
  { limits, failure }: ExportFinish,
): Promise<RunStateValue | undefined> {
  const [row] = await runStatement<{ state: RunStateValue }>(tx, statements["export-run-finish"], [
    runId,
    ...limits,
    failure?.code ?? null,
    failure?.reason ?? null,
    failure?.message ?? null,
  ]);
  return row?.state;
}

/** What changed about a storage, beyond its credentials. */
export interface StorageChange {
  readonly storageId: number;
  /** Its objects are those of another place. */
  readonly moved: boolean;
  /** The place, the filter or the method changed: what was listed and not loaded may not match any more. */
  readonly refiltered: boolean;
  /** The method was tasks and is files now. */
  readonly becameFiles: boolean;
}

/**
 * Makes a change of settings take effect; the storage row is locked and its columns are written already. From the commit on every
 * write under the old settings is refused; the active run ends as canceled and the run that takes its place starts. Returns
 * its id, to ring for.
 */
export async function restartAfterChange(
  tx: Transaction,
  statements: Statements,
  { storageId, moved, refiltered, becameFiles }: StorageChange,
): Promise<number | null> {
  const values = [storageId, moved, moved || refiltered || becameFiles, becameFiles];
  await runStatement(tx, statements["storage-changed"], values);
  return (await promoteWaiting(tx, statements, storageId))?.run_id ?? null;
}
