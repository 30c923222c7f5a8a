import { toSafeId } from "@bucketbridge/core";
import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";
import { loadStatements, runStatement, type Statements } from "../statements.ts";
import { deleteTasks } from "../tasks/delete-tasks.ts";
import { deleteAnnotations } from "./delete-annotations.ts";
import { createPredictionRepository } from "./predictions.ts";
import { writeAnnotation } from "./save-annotation.ts";

/** Tasks of one project, as many as a caller selected. */
export interface TaskSelection {
  readonly organizationId: number;
  readonly projectId: number;
  readonly taskIds: readonly number[];
}

/** What an action on many tasks came to, and the targets that have something to do because of it: ring for them. */
export interface BulkResult {
  /** Annotations, predictions or tasks that the action made or removed. */
  readonly processed: number;
  readonly targetIds: readonly number[];
}

/** Tasks of one transaction: their rows stay locked until its commit, and a save waits for one chunk at most. */
const CHUNK = 500;

/** Deletes every annotation of the tasks, chunk by chunk; `completedById`: only that person's. */
export async function deleteAnnotationsOfTasks(
  database: Database,
  { completedById, ...selection }: TaskSelection & { readonly completedById?: number | undefined },
): Promise<BulkResult> {
  if (completedById !== undefined)
    return deleteChosen(database, selection, Prisma.sql`completed_by_id = ${completedById}`);
  return inChunks(selection, async (taskIds) => {
    const { deleted, targetIds } = await deleteAnnotations(database, {
      ...selection,
      of: { taskIds },
    });
    return { processed: deleted, targetIds };
  });
}

/** Deletes the predictions of the tasks. Nothing is wished: predictions are not exported. */
export async function deletePredictionsOfTasks(
  database: Database,
  { organizationId, projectId, taskIds }: TaskSelection,
): Promise<BulkResult> {
  const predictions = createPredictionRepository(database);
  return inChunks({ taskIds }, async (chunk) => ({
    processed: await predictions.removeOfTasks(organizationId, projectId, chunk),
    targetIds: [],
  }));
}

/** Deletes the annotations of the tasks that are ground truth. */
export async function deleteGroundTruths(
  database: Database,
  selection: TaskSelection,
): Promise<BulkResult> {
  return deleteChosen(database, selection, Prisma.sql`ground_truth`);
}

async function deleteChosen(
  database: Database,
  selection: TaskSelection,
  condition: Prisma.Sql,
): Promise<BulkResult> {
  const { organizationId, projectId } = selection;
  return inChunks(selection, async (taskIds) => {
    const found = await database.inOrganization(
      organizationId,
      (tx) => tx.$queryRaw<{ id: bigint }[]>`
        SELECT id FROM annotation WHERE task_id = ANY (${[...taskIds]}::bigint[]) AND project_id = ${projectId} AND ${condition}`,
      { op: "db.annotations" },
    );
    const annotationIds = found.map(({ id }) => toSafeId(id));
    const of = { annotationIds };
    const { deleted, targetIds } = await deleteAnnotations(database, {
      organizationId,
      projectId,
      of,
    });
    return { processed: deleted, targetIds };
  });
}

interface OpenPrediction {
  readonly id: bigint;
  readonly taskId: bigint;
  readonly result: string | null;
}

/**
 * Makes an annotation of each prediction of the tasks that is not the parent of one already; `modelVersion`: only of that
 * version. The annotations are said to be completed by `actorId`.
 */
export async function predictionsToAnnotations(
  database: Database,
  {
    actorId,
    modelVersion,
    ...selection
  }: TaskSelection & {
    readonly actorId: number;
    readonly modelVersion?: string | undefined;
  },
  statements: Statements = loadStatements(),
): Promise<BulkResult> {
  const { organizationId, projectId } = selection;
  return inChunks(selection, (taskIds) =>
    database.inOrganization(
      organizationId,
      async (tx) => {
        await runStatement(tx, statements["project-hold"], [projectId]);
        await holdTasks(tx, projectId, taskIds);
        const open = await tx.$queryRaw<OpenPrediction[]>`
          SELECT r.id, r.task_id AS "taskId", r.result::text AS result FROM prediction r
          WHERE r.task_id = ANY (${[...taskIds]}::bigint[]) AND r.project_id = ${projectId}
            AND (${modelVersion ?? null}::text IS NULL OR r.model_version = ${modelVersion ?? null}::text)
            AND NOT EXISTS (SELECT FROM annotation a WHERE a.task_id = r.task_id AND a.parent_prediction_id = r.id OFFSET 0)
          ORDER BY r.task_id, r.id`;
        const targetIds = new Set<number>();
        for (const prediction of open) {
          const saved = await writeAnnotation(
            tx,
            statements,
            {
              projectId,
              of: { taskId: toSafeId(prediction.taskId) },
              // Nobody's drafts became this annotation, and the contract names nobody in updated_by.
              actorId: null,
              changes: {
                resultJson: prediction.result,
                completedById: actorId,
                parentPredictionId: toSafeId(prediction.id),
              },
            },
            null,
          );
          for (const id of saved?.targets ?? []) targetIds.add(id);
        }
        return { processed: open.length, targetIds: [...targetIds] };
      },
      { op: "db.predictions.convert" },
    ),
  );
}

/** Two callers that convert the same predictions would else make two annotations of each. */
async function holdTasks(
  tx: Transaction,
  projectId: number,
  taskIds: readonly number[],
): Promise<void> {
  await tx.$queryRaw`
    SELECT id FROM task WHERE id = ANY (${[...taskIds]}::bigint[]) AND project_id = ${projectId} ORDER BY id FOR NO KEY UPDATE`;
}

interface DuplicateRow {
  readonly keep: bigint;
  readonly doubles: readonly bigint[];
}

/**
 * Of selected tasks with equal data one is kept, the first that is annotated, else the first; annotations of the others move to it
 * and the others are deleted. Processed: tasks deleted.
 */
export async function removeDuplicates(
  database: Database,
  { organizationId, projectId, taskIds }: TaskSelection,
  statements: Statements = loadStatements(),
): Promise<BulkResult> {
  const groups = await database.inOrganization(
    organizationId,
    (tx) => tx.$queryRaw<DuplicateRow[]>`
      SELECT (array_agg(t.id ORDER BY t.annotated DESC, t.id))[1] AS keep,
             (array_agg(t.id ORDER BY t.annotated DESC, t.id))[2:] AS doubles
      FROM (SELECT id, data, total_annotations + cancelled_annotations > 0 AS annotated FROM task
            WHERE id = ANY (${[...taskIds]}::bigint[]) AND project_id = ${projectId}) t
      GROUP BY t.data HAVING count(*) > 1`,
    { op: "db.tasks.duplicates" },
  );
  let processed = 0;
  const targetIds = new Set<number>();
  for (const { keep, doubles } of groups) {
    const moved = await moveAnnotations(
      database,
      { organizationId, projectId, keep, doubles },
      statements,
    );
    const deleted = await deleteTasks(
      database,
      { organizationId, projectId, taskIds: doubles.map(toSafeId), withAnnotations: false },
      statements,
    );
    processed += deleted.deleted;
    for (const id of [...moved, ...deleted.targetIds]) targetIds.add(id);
  }
  return { processed, targetIds: [...targetIds] };
}

/** A task that is annotated after this keeps its annotation, since it is not deleted then. */
async function moveAnnotations(
  database: Database,
  group: DuplicateRow & { readonly organizationId: number; readonly projectId: number },
  statements: Statements,
): Promise<readonly number[]> {
  return database.inOrganization(
    group.organizationId,
    async (tx) => {
      await runStatement(tx, statements["project-hold"], [group.projectId]);
      const [row] = await runStatement<{ targets: readonly number[] }>(
        tx,
        statements["annotations-move"],
        [group.doubles, toSafeId(group.keep), group.projectId],
      );
      // What nobody has submitted yet would go with its task.
      await tx.$executeRaw`
        UPDATE draft SET task_id = ${group.keep} WHERE task_id = ANY (${[...group.doubles]}::bigint[]) AND annotation_id IS NULL
          AND project_id = ${group.projectId}`;
      return row?.targets ?? [];
    },
    { op: "db.annotations.move" },
  );
}

async function inChunks(
  { taskIds }: { readonly taskIds: readonly number[] },
  step: (chunk: readonly number[]) => Promise<BulkResult>,
): Promise<BulkResult> {
  let processed = 0;
  const targetIds = new Set<number>();
  for (let start = 0; start < taskIds.length; start += CHUNK) {
    const result = await step(taskIds.slice(start, start + CHUNK));
    processed += result.processed;
    for (const id of result.targetIds) targetIds.add(id);
  }
  return { processed, targetIds: [...targetIds] };
}
