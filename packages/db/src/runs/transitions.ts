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
