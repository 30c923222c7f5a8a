import { toSafeId } from "@bucketbridge/core";
import type { Database, Transaction } from "../client.ts";
import { loadStatements, runStatement } from "../statements.ts";

/** A prediction for a task that exists. */
export interface NewPrediction {
  readonly taskId: number;
  /** JSON text. */
  readonly resultJson: string;
  readonly score: number | null;
  readonly modelVersion: string | null;
}

/** Predictions for tasks of one project. */
export interface PredictionsToImport {
  readonly organizationId: number;
  readonly projectId: number;
  readonly predictions: readonly NewPrediction[];
}

/** All were stored, or none because of a task that the project does not have. */
export type PredictionsImported = { readonly created: number } | { readonly missingTaskId: number };

/** Stores predictions in one transaction; the counters of their tasks follow. Two callers at once never deadlock: tasks are locked in order. */
export async function importPredictions(
  database: Database,
  { organizationId, projectId, predictions }: PredictionsToImport,
): Promise<PredictionsImported> {
  const taskIds = [...new Set(predictions.map(({ taskId }) => taskId))];
  return database.inOrganization(
    organizationId,
    async (tx) => {
      const held = await holdTasks(tx, projectId, taskIds);
      const missing = taskIds.find((id) => !held.has(id));
      if (missing !== undefined) return { missingTaskId: missing };
      const [row] = await runStatement<{ inserted: number }>(
        tx,
        loadStatements()["predictions-import"],
        [
          predictions.map(({ taskId }) => taskId),
          predictions.map(({ resultJson }) => resultJson),
          predictions.map(({ score }) => score),
          predictions.map(({ modelVersion }) => modelVersion),
        ],
      );
      await countPredictions(tx, predictions);
      return { created: row?.inserted ?? 0 };
    },
    { op: "db.predictions.import" },
  );
}

async function holdTasks(
  tx: Transaction,
  projectId: number,
  taskIds: readonly number[],
): Promise<ReadonlySet<number>> {
  const rows = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT id FROM task WHERE id = ANY (${[...taskIds]}::bigint[]) AND project_id = ${projectId} ORDER BY id FOR NO KEY UPDATE`;
  return new Set(rows.map(({ id }) => toSafeId(id)));
}

async function countPredictions(
  tx: Transaction,
  predictions: readonly NewPrediction[],
): Promise<void> {
  const byTask = Map.groupBy(predictions, ({ taskId }) => taskId);
  const ids = [...byTask.keys()];
  const counts = [...byTask.values()].map(({ length }) => length);
  await tx.$executeRaw`
    UPDATE task t SET total_predictions = t.total_predictions + n.count
    FROM unnest(${ids}::bigint[], ${counts}::int[]) AS n (id, count) WHERE t.id = n.id`;
}
