import type { Transaction } from "../client.ts";
import type { TaskDocument } from "../import/records.ts";
import { runStatement, type Statements } from "../statements.ts";

/** A new task and the document it was made from. */
export interface NewTask {
  readonly taskId: bigint;
  readonly document: TaskDocument;
}

/** The columns of task documents that the insert statements share. */
export function toTaskColumns(documents: readonly TaskDocument[]): {
  readonly data: string[];
  readonly meta: (string | null)[];
  readonly allowSkip: boolean[];
  readonly annotations: number[];
  readonly canceled: number[];
  readonly predictions: number[];
  readonly externalIds: (string | null)[];
  readonly uploadIds: (number | null)[];
} {
  return {
    data: documents.map(({ data }) => data),
    meta: documents.map(({ meta }) => meta),
    allowSkip: documents.map(({ allowSkip }) => allowSkip),
    annotations: documents.map(({ annotations }) => annotations.length),
    canceled: documents.map(
      ({ annotations }) => annotations.filter(({ wasCancelled }) => wasCancelled).length,
    ),
    predictions: documents.map(({ predictions }) => predictions.length),
    externalIds: documents.map(({ externalId }) => externalId ?? null),
    uploadIds: documents.map(({ uploadId }) => uploadId ?? null),
  };
}

/**
 * Stores the annotations and predictions that came inside the documents of tasks that are new in this transaction; the tasks
 * count them already. Nothing is wished for delivery. `runId`: whose actor becomes `updated_by`.
 */
export async function insertEmbedded(
  tx: Transaction,
  statements: Statements,
  tasks: readonly NewTask[],
  runId: number | null,
): Promise<void> {
  await insertAnnotations(tx, statements, tasks, runId);
  await insertPredictions(tx, statements, tasks);
}

async function insertAnnotations(
  tx: Transaction,
  statements: Statements,
  tasks: readonly NewTask[],
  runId: number | null,
): Promise<void> {
  const given = tasks.flatMap(({ taskId, document }) =>
    document.annotations.map((annotation) => ({ taskId, ...annotation })),
  );
  if (given.length === 0) return;
  await runStatement(tx, statements["annotations-import"], [
    runId,
    given.map(({ taskId }) => taskId),
    given.map(({ resultJson }) => resultJson),
    given.map(({ wasCancelled }) => wasCancelled),
    given.map(({ groundTruth }) => groundTruth),
    given.map(({ leadTime }) => leadTime),
    given.map(({ importId }) => importId),
    given.map(({ completedBy }) => (isUserId(completedBy) ? completedBy : null)),
    given.map(({ completedBy }) => (typeof completedBy === "string" ? completedBy : null)),
  ]);
}

async function insertPredictions(
  tx: Transaction,
  statements: Statements,
  tasks: readonly NewTask[],
): Promise<void> {
  const given = tasks.flatMap(({ taskId, document }) =>
    document.predictions.map((prediction) => ({ taskId, ...prediction })),
  );
  if (given.length === 0) return;
  await runStatement(tx, statements["predictions-import"], [
    given.map(({ taskId }) => taskId),
    given.map(({ resultJson }) => resultJson),
    given.map(({ score }) => score),
    given.map(({ modelVersion }) => modelVersion),
  ]);
}

/** User ids are `int`; a larger number in a document is nobody's. */
function isUserId(value: number | string | null): value is number {
  return typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= 0x7fff_ffff;
}
