import { toSafeId } from "@bucketbridge/core";
import type { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";

/** A saved annotation as people read it. */
export interface AnnotationRecord {
  readonly id: number;
  readonly taskId: number;
  readonly projectId: number;
  /** Rises with every save. */
  readonly revision: number;
  readonly uniqueId: string | null;
  readonly externalId: string | null;
  readonly result: unknown;
  readonly completedById: number | null;
  readonly updatedById: number | null;
  readonly lastCreatedById: number | null;
  readonly wasCancelled: boolean;
  readonly groundTruth: boolean;
  readonly bulkCreated: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly draftCreatedAt: Date | null;
  readonly leadTime: number | null;
  readonly importId: number | null;
  readonly lastAction: string | null;
  readonly parentPredictionId: number | null;
  readonly parentAnnotationId: number | null;
}

/** What a model said about a task. */
export interface PredictionRecord {
  readonly id: number;
  readonly taskId: number;
  readonly projectId: number;
  readonly result: unknown;
  readonly modelVersion: string | null;
  readonly score: number | null;
  readonly cluster: number | null;
  readonly neighbors: unknown;
  readonly mislabeling: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Everything that hangs on some tasks, each list ascending by id. */
export interface TaskWork {
  readonly annotations: readonly AnnotationRecord[];
  readonly predictions: readonly PredictionRecord[];
  /** Tasks that have an unfinished draft. */
  readonly draftTaskIds: ReadonlySet<number>;
}

/** Annotations, read only: whoever saves or deletes one (`annotations/`) also writes the wishes of targets. */
export interface AnnotationRepository {
  /** Undefined for one of another organisation or of a deleted project. */
  find(organizationId: number, annotationId: number): Promise<AnnotationRecord | undefined>;
  listOfTasks(organizationId: number, taskIds: readonly number[]): Promise<TaskWork>;
}

/** Repository over `database`. */
export function createAnnotationRepository(database: Database): AnnotationRepository {
  return {
    find: (organizationId, annotationId) =>
      database.inOrganization(organizationId, (tx) => readAnnotation(tx, BigInt(annotationId)), {
        op: "db.annotations",
      }),
    listOfTasks: (organizationId, taskIds) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const ofTasks = { taskId: { in: [...taskIds] } };
          const annotations = await tx.annotation.findMany({
            where: ofTasks,
            orderBy: { id: "asc" },
          });
          const predictions = await tx.prediction.findMany({
            where: ofTasks,
            orderBy: { id: "asc" },
          });
          const drafts = await tx.draft.findMany({ where: ofTasks, select: { taskId: true } });
          return {
            annotations: annotations.map(toAnnotation),
            predictions: predictions.map(toPrediction),
            draftTaskIds: new Set(drafts.map(({ taskId }) => toSafeId(taskId))),
          };
        },
        { op: "db.annotations" },
      ),
  };
}

/** One annotation as it is in this transaction. */
export async function readAnnotation(
  tx: Transaction,
  id: bigint,
): Promise<AnnotationRecord | undefined> {
  const row = await tx.annotation.findFirst({ where: { id, project: { deletedAt: null } } });
  return row === null ? undefined : toAnnotation(row);
}

function toAnnotation(row: Prisma.AnnotationGetPayload<object>): AnnotationRecord {
  return {
    id: toSafeId(row.id),
    taskId: toSafeId(row.taskId),
    projectId: row.projectId,
    revision: row.revision,
    uniqueId: row.uniqueId,
    externalId: row.externalId,
    result: row.result,
    completedById: row.completedById,
    updatedById: row.updatedById,
    lastCreatedById: row.lastCreatedById,
    wasCancelled: row.wasCancelled,
    groundTruth: row.groundTruth,
    bulkCreated: row.bulkCreated,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    draftCreatedAt: row.draftCreatedAt,
    leadTime: row.leadTime,
    importId: toNullableId(row.importId),
    lastAction: row.lastAction,
    parentPredictionId: toNullableId(row.parentPredictionId),
    parentAnnotationId: toNullableId(row.parentAnnotationId),
  };
}

/** A row as people read it. */
export function toPrediction(row: Prisma.PredictionGetPayload<object>): PredictionRecord {
  return {
    id: toSafeId(row.id),
    taskId: toSafeId(row.taskId),
    projectId: row.projectId,
    result: row.result,
    modelVersion: row.modelVersion,
    score: row.score,
    cluster: row.cluster,
    neighbors: row.neighbors,
    mislabeling: row.mislabeling,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

function toNullableId(value: bigint | null): number | null {
  return value === null ? null : toSafeId(value);
}
