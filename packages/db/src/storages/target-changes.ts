import { AppError } from "@bucketbridge/core";
import type { Transaction } from "../client.ts";
import { promoteWaiting, restartAfterChange, type StorageChange } from "../runs/transitions.ts";
import { runStatement, type Statements } from "../statements.ts";

// A target is made and changed in transactions whose first statement locks its project: saves of annotations hold the same row, so
// each save is seen by the target's first sync or sees the target (design §7). Project first, then storage, then run.

/** Locks the project of a target that is to be made; false: there is none. */
export async function lockProject(
  tx: Transaction,
  statements: Statements,
  projectId: number,
): Promise<boolean> {
  return (await runStatement(tx, statements["project-lock"], [projectId])).length > 0;
}

/** Locks the project of a target that is there; nothing for a source. A storage never changes its project. */
export async function lockProjectOfTarget(
  tx: Transaction,
  statements: Statements,
  storageId: number,
): Promise<void> {
  const [target] = await tx.$queryRaw<{ projectId: number }[]>`
    SELECT project_id AS "projectId" FROM storage WHERE id = ${storageId} AND direction = 'target'`;
  if (target !== undefined) await lockProject(tx, statements, target.projectId);
}

/** Before the columns change that say where a target is: deletes that wait are finished where they belong. */
export async function keepOldPlace(
  tx: Transaction,
  statements: Statements,
  storageId: number,
): Promise<void> {
  await runStatement(tx, statements["target-moving"], [storageId]);
}

/**
 * Makes a change of a target take effect; its columns are written already. What failed is tried at once, and a target that moved
 * wants everything again: a sync of all starts, whether one was active or not. Returns the run to ring for.
 */
export async function restartTarget(
  tx: Transaction,
  statements: Statements,
  change: StorageChange,
): Promise<number | null> {
  const { storageId, moved } = change;
  const restarted = await restartAfterChange(tx, statements, change);
  await runStatement(tx, statements["target-changed"], [storageId]);
  if (!moved) return restarted;
  await runStatement(tx, statements["run-ask"], [storageId, "moved", "sync", null, "{}"]);
  return (await promoteWaiting(tx, statements, storageId))?.run_id ?? restarted;
}

/** Starts the first sync of a target that is new in this transaction. Returns the run to ring for. */
export async function fillTarget(
  tx: Transaction,
  statements: Statements,
  storageId: number,
  { actorId, trigger }: { readonly actorId: number | null; readonly trigger: string },
): Promise<{ readonly runId: number; readonly number: number }> {
  const values = [storageId, trigger, "sync", actorId, "{}"];
  const [asked] = await runStatement<{ run_id: number; number: number }>(
    tx,
    statements["run-ask"],
    values,
  );
  if (asked === undefined) {
    throw new AppError({ code: "internal", message: "a new target could not be asked to sync" });
  }
  await promoteWaiting(tx, statements, storageId);
  return { runId: asked.run_id, number: asked.number };
}
