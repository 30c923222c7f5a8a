import { toCreatedAgo, toWireTime } from "@bucketbridge/contracts";
import { parseExactJson } from "../formats/exact-json.ts";
import type { AnnotationRecord, PersonRecord, SubjectRecord, TaskRecord } from "./ports.ts";
import { toPythonJson, type JsonLayout } from "./python-json.ts";

/** Key in stored task data of the files method; it reads as the project's data key. */
const UNDEFINED_KEY = "$undefined$";

/** The bytes that a target holds for a subject: field by field what Label Studio 1.23 writes (per annotation, or per task). */
export function renderSubject(
  subject: SubjectRecord,
  options: { readonly layout: JsonLayout; readonly nowMs: number },
): Uint8Array {
  const value =
    subject.type === "annotation"
      ? toAnnotationObject(subject.annotation, subject.task, options.nowMs)
      : toTaskObject(subject);
  return new TextEncoder().encode(toPythonJson(value, options.layout));
}

function toAnnotationObject(
  annotation: AnnotationRecord,
  task: TaskRecord,
  nowMs: number,
): Record<string, unknown> {
  const { completedBy } = annotation;
  return {
    id: annotation.id,
    result: parse(annotation.resultJson),
    created_username: completedBy === null ? "" : toUsername(completedBy),
    created_ago: toCreatedAgo(annotation.createdAt, nowMs),
    completed_by: completedBy === null ? null : toPerson(completedBy),
    task: toTaskColumns(task),
    was_cancelled: annotation.wasCancelled,
    ground_truth: annotation.groundTruth,
    created_at: toWireTime(annotation.createdAt),
    updated_at: toWireTime(annotation.updatedAt),
    draft_created_at: toTime(annotation.draftCreatedAt),
    lead_time: annotation.leadTime,
    import_id: annotation.importId,
    last_action: annotation.lastAction,
    bulk_created: annotation.bulkCreated,
    project: annotation.projectId,
    updated_by: annotation.updatedById,
    parent_prediction: annotation.parentPredictionId,
    parent_annotation: annotation.parentAnnotationId,
    last_created_by: annotation.lastCreatedById,
  };
}

/** The columns of a task inside an exported annotation. References stay raw. */
function toTaskColumns(task: TaskRecord): Record<string, unknown> {
  return {
    id: task.id,
    data: toData(task),
    meta: parse(task.metaJson) ?? {},
    created_at: toWireTime(task.createdAt),
    updated_at: toWireTime(task.updatedAt),
    is_labeled: task.isLabeled,
    allow_skip: task.allowSkip,
    overlap: task.overlap,
    inner_id: task.innerId,
    total_annotations: task.totalAnnotations,
    cancelled_annotations: task.cancelledAnnotations,
    total_predictions: task.totalPredictions,
    precomputed_agreement: null,
    comment_count: 0,
    unresolved_comment_count: 0,
    last_comment_updated_at: null,
    project: task.projectId,
    updated_by: task.updatedById,
    file_upload: task.uploadId,
    comment_authors: [],
  };
}

function toTaskObject(subject: Extract<SubjectRecord, { type: "task" }>): Record<string, unknown> {
  const { task } = subject;
  return {
    id: task.id,
    annotations: subject.annotations.map(toAnnotationOfTask),
    ...(task.uploadName === null ? {} : { file_upload: task.uploadName }),
    drafts: subject.draftIds,
    predictions: subject.predictionIds,
    data: toData(task),
    meta: parse(task.metaJson) ?? {},
    created_at: toWireTime(task.createdAt),
    updated_at: toWireTime(task.updatedAt),
    allow_skip: task.allowSkip,
    inner_id: task.innerId,
    total_annotations: task.totalAnnotations,
    cancelled_annotations: task.cancelledAnnotations,
    total_predictions: task.totalPredictions,
    comment_count: 0,
    unresolved_comment_count: 0,
    last_comment_updated_at: null,
    project: task.projectId,
    updated_by: task.updatedById,
    comment_authors: [],
  };
}

function toAnnotationOfTask(annotation: AnnotationRecord): Record<string, unknown> {
  const { completedBy } = annotation;
  const result = parse(annotation.resultJson);
  return {
    id: annotation.id,
    completed_by:
      completedBy === null
        ? null
        : {
            id: completedBy.id,
            email: completedBy.email,
            first_name: completedBy.firstName,
            last_name: completedBy.lastName,
          },
    result,
    was_cancelled: annotation.wasCancelled,
    ground_truth: annotation.groundTruth,
    created_at: toWireTime(annotation.createdAt),
    updated_at: toWireTime(annotation.updatedAt),
    draft_created_at: toTime(annotation.draftCreatedAt),
    lead_time: annotation.leadTime,
    prediction: parse(annotation.predictionJson) ?? {},
    result_count: Array.isArray(result) ? result.length : 0,
    unique_id: annotation.uniqueId,
    import_id: annotation.importId,
    last_action: annotation.lastAction,
    bulk_created: annotation.bulkCreated,
    task: annotation.taskId,
    project: annotation.projectId,
    updated_by: annotation.updatedById,
    parent_prediction: annotation.parentPredictionId,
    parent_annotation: annotation.parentAnnotationId,
    last_created_by: annotation.lastCreatedById,
  };
}

function toData({ dataJson, dataKey }: TaskRecord): unknown {
  const data = parseExactJson(dataJson);
  if (dataKey === null || typeof data !== "object" || data === null || Array.isArray(data))
    return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key === UNDEFINED_KEY ? dataKey : key, value]),
  );
}

function toPerson(person: PersonRecord): Record<string, unknown> {
  return {
    id: person.id,
    first_name: person.firstName,
    last_name: person.lastName,
    email: person.email,
  };
}

/** `<first> <last> <email>, <id>`; without names one blank is left in front. */
function toUsername({ firstName, lastName, email, id }: PersonRecord): string {
  const last = lastName === "" ? "" : ` ${lastName}`;
  return `${firstName}${last} ${email}, ${String(id)}`;
}

function toTime(moment: Date | null): string | null {
  return moment === null ? null : toWireTime(moment);
}

function parse(json: string | null): unknown {
  return json === null ? null : parseExactJson(json);
}
