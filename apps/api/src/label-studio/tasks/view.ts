import type { AnnotationRecord, DraftRecord, PredictionRecord, TaskRecord } from "@bucketbridge/db";
import { toWireTime } from "@bucketbridge/contracts";
import type { ResolveData } from "../../media/resolve-urls.ts";
import { toExternalIdView } from "../external-id.ts";
import { toDraftView } from "../drafts/view.ts";
import { toAnnotationView, toPredictionView, type People } from "./annotation-view.ts";
import { toVisibleData } from "./task-data.ts";

/** What a view of a task needs besides the task. */
export interface TaskContext {
  readonly dataKey: string | null;
  /** Absent: references stay as they are stored. */
  readonly resolve?: ResolveData | undefined;
  readonly nowMs: number;
  readonly people: People;
  /** Absent: only the task itself is shown (`fields=task_only`). */
  readonly work: TaskWorkOfOne | undefined;
  /** In the detail of one task the people who completed annotations are objects. */
  readonly expanded: boolean;
}

/** What hangs on one task. */
export interface TaskWorkOfOne {
  readonly annotations: readonly AnnotationRecord[];
  readonly predictions: readonly PredictionRecord[];
  /** Drafts of whoever reads. */
  readonly drafts: readonly DraftRecord[];
  /** Anybody has one. */
  readonly hasDraft: boolean;
}

type View = Record<string, unknown>;

/** Texts that sum up results are cut to this length, as the contract does. */
const MAX_SUMMARY_CHARS = 500;

const NO_WORK: TaskWorkOfOne = { annotations: [], predictions: [], drafts: [], hasDraft: false };

/** The shape of the data manager: lists and the detail of a task. Keys that only `fields=all` has are left out without work. */
export function toTaskView(task: TaskRecord, context: TaskContext): View {
  const isFull = context.work !== undefined;
  const work = context.work ?? NO_WORK;
  const { annotations, predictions } = work;
  return {
    id: task.id,
    ...(isFull ? toWorkViews(work, context) : {}),
    drafts: work.drafts.map((draft) => toDraftView(draft, context.people, context.nowMs)),
    annotators: distinct(annotations.map(({ completedById }) => completedById)),
    inner_id: task.innerId,
    cancelled_annotations: task.cancelledAnnotations,
    total_annotations: task.totalAnnotations,
    total_predictions: task.totalPredictions,
    ...(isFull ? { completed_at: toCompletedAt(task, annotations) } : {}),
    annotations_results: toSummary(annotations.map(({ result }) => result)),
    predictions_results: toSummary(predictions.map(({ result }) => result)),
    ...(isFull ? { predictions_score: null } : {}),
    file_upload: task.uploadName,
    storage_filename: task.storageFilename,
    annotations_ids: annotations.map(({ id }) => String(id)).join(", "),
    predictions_model_versions: distinct(predictions.map(({ modelVersion }) => modelVersion)).join(
      ", ",
    ),
    ...(isFull
      ? { avg_lead_time: toAverageLeadTime(annotations), draft_exists: work.hasDraft }
      : {}),
    updated_by: task.updatedById === null ? [] : [{ user_id: task.updatedById }],
    ...toDataView(task, context.dataKey, context.resolve),
    is_labeled: task.isLabeled,
    overlap: task.overlap,
    ...toCommentView(task),
    comment_authors: [],
    ...toExternalIdView(task.externalId),
  };
}

/** The shape of the table's columns: what POST answers. */
export function toTaskColumnView(task: TaskRecord, dataKey: string | null): View {
  return {
    id: task.id,
    ...toDataView(task, dataKey),
    is_labeled: task.isLabeled,
    overlap: task.overlap,
    inner_id: task.innerId,
    total_annotations: task.totalAnnotations,
    cancelled_annotations: task.cancelledAnnotations,
    total_predictions: task.totalPredictions,
    ...toCommentView(task),
    updated_by: task.updatedById,
    file_upload: task.uploadId,
    comment_authors: [],
    ...toExternalIdView(task.externalId),
  };
}

/** The same with annotations and predictions: what PATCH and the list of a project answer. */
export function toTaskColumnViewWithWork(task: TaskRecord, context: TaskContext): View {
  return {
    ...toTaskColumnView(task, context.dataKey),
    ...toWorkViews(context.work ?? NO_WORK, context, "columns"),
  };
}

function toWorkViews(
  work: TaskWorkOfOne,
  context: TaskContext,
  order: "manager" | "columns" = "manager",
): View {
  const predictions = work.predictions.map((prediction) =>
    toPredictionView(prediction, context.nowMs),
  );
  const annotations = work.annotations.map((annotation) =>
    toAnnotationView(annotation, context.people, context),
  );
  return order === "manager" ? { predictions, annotations } : { annotations, predictions };
}

function toDataView(task: TaskRecord, dataKey: string | null, resolve?: ResolveData): View {
  const data = toVisibleData(task.data, dataKey);
  return {
    data: resolve === undefined ? data : resolve(task, data),
    meta: task.meta ?? {},
    created_at: toWireTime(task.createdAt),
    updated_at: toWireTime(task.updatedAt),
  };
}

function toCommentView(task: TaskRecord): View {
  return {
    comment_count: 0,
    unresolved_comment_count: 0,
    last_comment_updated_at: null,
    project: task.projectId,
  };
}

/** The newest annotation of a task that is labeled. */
function toCompletedAt(task: TaskRecord, annotations: readonly AnnotationRecord[]): string | null {
  const newest = annotations
    .map(({ createdAt }) => createdAt)
    .sort((a, b) => b.getTime() - a.getTime())[0];
  return task.isLabeled && newest !== undefined ? toWireTime(newest) : null;
}

function toAverageLeadTime(annotations: readonly AnnotationRecord[]): number | null {
  const times = annotations.flatMap(({ leadTime }) => leadTime ?? []);
  return times.length === 0 ? null : times.reduce((sum, time) => sum + time, 0) / times.length;
}

/** Results as one text: Python's JSON without its quotes, cut. */
function toSummary(results: readonly unknown[]): string {
  return results
    .map((result) => toPythonJson(result ?? []))
    .join(", ")
    .slice(0, MAX_SUMMARY_CHARS);
}

function toPythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toPythonJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([key, item]) => `${key}: ${toPythonJson(item)}`);
    return `{${members.join(", ")}}`;
  }
  return JSON.stringify(value).replaceAll('"', "");
}

function distinct<T>(values: readonly (T | null)[]): T[] {
  return [...new Set(values.filter((value) => value !== null))];
}
