import { toSafeId } from "@bucketbridge/core";
import type { Transaction } from "../client.ts";
import { runStatement, type Statements } from "../statements.ts";
import type {
  ClaimedDeliveryRecord,
  DeliverySubjectName,
  ExportAnnotationRecord,
  ExportSubjectRecord,
  ExportTaskRecord,
} from "./records.ts";

interface AnnotationRow {
  readonly id: bigint;
  readonly external_id: string | null;
  readonly revision: number;
  readonly task_id: bigint;
  readonly project_id: number;
  readonly result: string | null;
  readonly prediction: string | null;
  readonly updated_by_id: number | null;
  readonly last_created_by_id: number | null;
  readonly was_cancelled: boolean;
  readonly ground_truth: boolean;
  readonly bulk_created: boolean;
  readonly unique_id: string | null;
  readonly last_action: string | null;
  readonly lead_time: number | null;
  readonly import_id: bigint | null;
  readonly parent_prediction_id: bigint | null;
  readonly parent_annotation_id: bigint | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly draft_created_at: Date | null;
  readonly completed_by_id: number | null;
  readonly email: string | null;
  readonly first_name: string | null;
  readonly last_name: string | null;
}

interface TaskRow {
  readonly id: bigint;
  readonly external_id: string | null;
  readonly export_revision: number;
  readonly project_id: number;
  readonly inner_id: number;
  readonly data: string;
  readonly meta: string | null;
  readonly source_key: string | null;
  readonly data_key: string | null;
  readonly overlap: number;
  readonly is_labeled: boolean;
  readonly allow_skip: boolean;
  readonly total_annotations: number;
  readonly cancelled_annotations: number;
  readonly total_predictions: number;
  readonly updated_by_id: number | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly upload_id: number | null;
  readonly upload_name: string | null;
  readonly draft_ids: readonly bigint[];
  readonly prediction_ids: readonly bigint[];
}

/**
 * What is newest now, by subject id; a missing one is gone. Tasks are read before annotations: an annotation that is newer than
 * its task's revision says was wished anew and comes again.
 */
export async function readSubjects(
  tx: Transaction,
  statements: Statements,
  subject: DeliverySubjectName,
  deliveries: readonly Pick<ClaimedDeliveryRecord, "subjectId">[],
): Promise<ReadonlyMap<number, ExportSubjectRecord>> {
  const ids = deliveries.map(({ subjectId }) => subjectId);
  const isTask = subject === "task";
  const tasks = await runStatement<TaskRow>(tx, statements["subjects-tasks"], [
    isTask ? ids : null,
    isTask ? null : ids,
    isTask,
  ]);
  const annotations = await runStatement<AnnotationRow>(tx, statements["subjects-annotations"], [
    isTask ? null : ids,
    isTask ? ids : null,
  ]);
  return isTask ? ofTasks(tasks, annotations) : ofAnnotations(tasks, annotations);
}

function ofAnnotations(
  tasks: readonly TaskRow[],
  annotations: readonly AnnotationRow[],
): ReadonlyMap<number, ExportSubjectRecord> {
  const byId = new Map(tasks.map((row) => [row.id, toTask(row)]));
  const subjects = new Map<number, ExportSubjectRecord>();
  for (const row of annotations) {
    const task = byId.get(row.task_id);
    if (task === undefined) continue;
    const annotation = toAnnotation(row);
    subjects.set(annotation.id, { type: "annotation", annotation, task });
  }
  return subjects;
}

function ofTasks(
  tasks: readonly TaskRow[],
  annotations: readonly AnnotationRow[],
): ReadonlyMap<number, ExportSubjectRecord> {
  const byTask = Map.groupBy(annotations, ({ task_id }) => task_id);
  return new Map(
    tasks.map((row) => {
      const task = toTask(row);
      const subject: ExportSubjectRecord = {
        type: "task",
        task,
        annotations: (byTask.get(row.id) ?? []).map(toAnnotation),
        draftIds: row.draft_ids.map(toSafeId),
        predictionIds: row.prediction_ids.map(toSafeId),
      };
      return [task.id, subject];
    }),
  );
}

function toTask(row: TaskRow): ExportTaskRecord {
  return {
    id: toSafeId(row.id),
    externalId: row.external_id,
    exportRevision: row.export_revision,
    projectId: row.project_id,
    innerId: row.inner_id,
    dataJson: row.data,
    metaJson: row.meta,
    sourceKey: row.source_key,
    dataKey: row.data_key,
    overlap: row.overlap,
    isLabeled: row.is_labeled,
    allowSkip: row.allow_skip,
    totalAnnotations: row.total_annotations,
    cancelledAnnotations: row.cancelled_annotations,
    totalPredictions: row.total_predictions,
    updatedById: row.updated_by_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    uploadId: row.upload_id,
    uploadName: row.upload_name,
  };
}

function toAnnotation(row: AnnotationRow): ExportAnnotationRecord {
  return {
    id: toSafeId(row.id),
    externalId: row.external_id,
    revision: row.revision,
    taskId: toSafeId(row.task_id),
    projectId: row.project_id,
    resultJson: row.result,
    predictionJson: row.prediction,
    completedBy: toPerson(row),
    updatedById: row.updated_by_id,
    lastCreatedById: row.last_created_by_id,
    wasCancelled: row.was_cancelled,
    groundTruth: row.ground_truth,
    bulkCreated: row.bulk_created,
    uniqueId: row.unique_id,
    lastAction: row.last_action,
    leadTime: row.lead_time,
    importId: toNullableId(row.import_id),
    parentPredictionId: toNullableId(row.parent_prediction_id),
    parentAnnotationId: toNullableId(row.parent_annotation_id),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    draftCreatedAt: row.draft_created_at,
  };
}

/** Null as well for a person who is not in the organisation any more: the policies hide that row. */
function toPerson(row: AnnotationRow): ExportAnnotationRecord["completedBy"] {
  if (row.completed_by_id === null || row.email === null) return null;
  return {
    id: row.completed_by_id,
    email: row.email,
    firstName: row.first_name ?? "",
    lastName: row.last_name ?? "",
  };
}

function toNullableId(value: bigint | null): number | null {
  return value === null ? null : toSafeId(value);
}
