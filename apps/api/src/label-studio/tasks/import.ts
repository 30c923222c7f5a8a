import type {
  EmbeddedAnnotationRecord,
  EmbeddedPredictionRecord,
  ProjectRecord,
  TaskDocument,
} from "@bucketbridge/db";
import type { FastifyReply, FastifyRequest } from "fastify";
import { badRequest, nonFieldError, notFound } from "../../api-error.ts";
import { identityOf } from "../../identity.ts";
import {
  discardFiles,
  receiveFiles,
  type ReceiveDeps,
  type ReceivedFile,
} from "../../uploads/receive-files.ts";
import { couldBeTasksList } from "../../uploads/read-items.ts";
import { toExtension } from "../../uploads/upload-name.ts";
import { isFormBody } from "../body-parsers.ts";
import { isFields, type RawFields } from "../fields.ts";
import { readItemExternalId, toExternalIdError } from "../external-id.ts";
import { queryFlag } from "../query.ts";
import { toStorable } from "../storable-json.ts";
import { findProject, type TaskDeps } from "./reading.ts";
import { findMissingKey, requiredKeys } from "./task-data.ts";

/** A complaint about an item shows this much of it. */
const MAX_ITEM_CHARS = 1_000;

/** What an import takes. */
export type ImportDeps = TaskDeps & ReceiveDeps;

/** `POST /api/projects/{id}/import`: tasks as JSON, or files. All of them or none. */
export async function importTasks(
  deps: ImportDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const startedMs = deps.clock.now();
  const project = await findProject(deps, request);
  if (!request.isMultipart())
    return importItems(deps, { request, reply, project, startedMs }, readBody(request));
  const received = await receiveFiles(deps, request, project.id);
  try {
    return await importItems(deps, { request, reply, project, startedMs }, toItems(received));
  } catch (error) {
    await discardFiles(deps, request, received);
    throw error;
  }
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly project: ProjectRecord;
  readonly startedMs: number;
}

interface ImportItem {
  readonly item: unknown;
  readonly uploadId?: number | undefined;
}

interface Import {
  readonly items: readonly ImportItem[];
  readonly uploadIds: readonly number[];
  readonly couldBeTasksList: boolean;
  /** Files by extension; the contract has an empty list without files. */
  readonly foundFormats: Readonly<Record<string, number>> | readonly [];
  readonly dataColumns: readonly string[];
}

async function importItems(
  deps: ImportDeps,
  { request, reply, project, startedMs }: Exchange,
  given: Import,
): Promise<FastifyReply> {
  const documents = readDocuments(given.items, project, identityOf(request).userId);
  const isCommitted = queryFlag(request, "commit_to_project", true);
  const ids = isCommitted
    ? await deps.tasks
        .create(project.organizationId, project.id, documents)
        .catch((error: unknown) => {
          throw toExternalIdError(error, "Task");
        })
    : [];
  if (ids === undefined) throw notFound("Project");
  return reply.code(201).send({
    task_count: isCommitted ? ids.length : null,
    annotation_count: isCommitted ? count(documents, "annotations") : null,
    prediction_count: isCommitted ? count(documents, "predictions") : null,
    duration: (deps.clock.now() - startedMs) / 1_000,
    file_upload_ids: given.uploadIds,
    could_be_tasks_list: given.couldBeTasksList,
    found_formats: given.foundFormats,
    data_columns: given.dataColumns,
    ...(queryFlag(request, "return_task_ids") ? { task_ids: ids } : {}),
  });
}

function count(documents: readonly TaskDocument[], what: "annotations" | "predictions"): number {
  return documents.reduce((sum, document) => sum + document[what].length, 0);
}

function readBody(request: FastifyRequest): Import {
  if (isFormBody(request))
    throw badRequest(
      "URLs are not fetched: send the tasks as JSON, upload files as multipart/form-data, or connect the place as a storage.",
    );
  const body: unknown = request.body;
  const items: readonly unknown[] = Array.isArray(body) ? body : isFields(body) ? [body] : [];
  return {
    items: items.map((item) => ({ item })),
    uploadIds: [],
    couldBeTasksList: false,
    foundFormats: [],
    dataColumns: [],
  };
}

function toItems(received: readonly ReceivedFile[]): Import {
  const foundFormats: Record<string, number> = {};
  for (const { upload } of received) {
    const extension = toExtension(upload.name);
    foundFormats[extension] = (foundFormats[extension] ?? 0) + 1;
  }
  return {
    items: received.flatMap(({ upload, items }) =>
      items.map((item) => ({ item, uploadId: upload.id })),
    ),
    uploadIds: received.map(({ upload }) => upload.id),
    couldBeTasksList: received.some(({ upload }) => couldBeTasksList(upload.name)),
    foundFormats,
    dataColumns: findCommonColumns(received),
  };
}

/** Keys that the first task of every file has; files without one in common cannot be tasks of one project. */
function findCommonColumns(received: readonly ReceivedFile[]): readonly string[] {
  let common: readonly string[] | undefined;
  for (const { upload, items } of received) {
    const [first] = items;
    if (!isFields(first)) continue;
    const keys = Object.keys(isFields(first["data"]) ? first["data"] : first);
    const before = common ?? keys;
    common = before.filter((key) => keys.includes(key));
    if (common.length === 0)
      throw nonFieldError(
        `The keys of the tasks in "${upload.name}" (${keys.join(", ")}) have none in common with those of the files before it (${before.join(", ")}).`,
      );
  }
  return common ?? [];
}

function readDocuments(
  items: readonly ImportItem[],
  project: ProjectRecord,
  userId: number,
): TaskDocument[] {
  if (items.length === 0) throw nonFieldError("load_tasks: No tasks added");
  const keys = requiredKeys(project);
  const complaints: string[] = [];
  const externalIds = new Set<string>();
  const documents = items.flatMap(({ item, uploadId }, index) => {
    const result = refuseRepeated(readItem(item, keys, userId), externalIds);
    if ("document" in result) return [{ ...result.document, uploadId }];
    complaints.push(`Error at item ${String(index)}: ${result.problem} :: ${show(item)}`);
    return [];
  });
  if (complaints.length > 0) throw nonFieldError(complaints.slice(0, 10).join("\n"));
  return documents;
}

type ItemResult = { readonly document: TaskDocument } | { readonly problem: string };

function refuseRepeated(result: ItemResult, externalIds: Set<string>): ItemResult {
  const externalId = "document" in result ? result.document.externalId : undefined;
  if (externalId === undefined) return result;
  if (externalIds.has(externalId)) return { problem: '"external_id" is that of an item before' };
  externalIds.add(externalId);
  return result;
}

/** A bare dictionary is the data themselves; one with `data` has annotations, predictions and meta beside them. */
function readItem(item: unknown, keys: readonly string[], userId: number): ItemResult {
  const storable = toStorable(item);
  if ("problem" in storable) return storable;
  const root = storable.value;
  if (!isFields(root)) return { problem: "Task root must be dict" };
  const isWrapped = isFields(root["data"]);
  const data = isWrapped ? (root["data"] as RawFields) : root;
  const missing = findMissingKey(data, keys);
  if (missing !== undefined) {
    const assumption = isWrapped ? 'item["data"]' : "item as is";
    return { problem: `${missing} [assume: ${assumption} = task root with values]` };
  }
  if (!isWrapped)
    return {
      document: {
        data: JSON.stringify(data),
        meta: null,
        allowSkip: true,
        annotations: [],
        predictions: [],
      },
    };
  return readWrapped(root, data, userId);
}

function readWrapped(root: RawFields, data: RawFields, userId: number): ItemResult {
  const annotations = readList(root, "annotations");
  const predictions = readList(root, "predictions");
  if (typeof annotations === "string") return { problem: annotations };
  if (typeof predictions === "string") return { problem: predictions };
  const named = readItemExternalId(root);
  if ("problem" in named) return named;
  const meta = root["meta"];
  return {
    document: {
      data: JSON.stringify(data),
      meta: isFields(meta) ? JSON.stringify(meta) : null,
      allowSkip: root["allow_skip"] !== false,
      externalId: named.externalId,
      annotations: annotations.map((annotation) => toAnnotation(annotation, userId)),
      predictions: predictions.map(toPrediction),
    },
  };
}

/** The list of an item, each element with a `result` list, or the contract's complaint. */
function readList(
  root: RawFields,
  name: "annotations" | "predictions",
): readonly RawFields[] | string {
  const list = root[name] ?? [];
  const one = name === "annotations" ? "annotation" : "prediction";
  if (!Array.isArray(list)) return `"${name}" field in task must be list`;
  const elements = list as readonly unknown[];
  if (!elements.every(isFields))
    return `${one === "annotation" ? "Annotation" : "Prediction"} must be dict`;
  if (elements.some((element) => element["result"] === undefined))
    return `${one} must have "result" field`;
  if (name === "annotations" && elements.some((element) => !Array.isArray(element["result"])))
    return '"result" field in annotation must be list';
  return elements;
}

/** Unlike those of a synced file, imported annotations count as ground truth and as the caller's own (ls-api §4.2). */
function toAnnotation(annotation: RawFields, userId: number): EmbeddedAnnotationRecord {
  const completedBy = annotation["completed_by"];
  const email = isFields(completedBy) ? completedBy["email"] : completedBy;
  return {
    resultJson: JSON.stringify(annotation["result"]),
    wasCancelled: annotation["was_cancelled"] === true,
    groundTruth: annotation["ground_truth"] !== false,
    leadTime: numberOrNull(annotation["lead_time"]),
    completedBy: typeof email === "number" || typeof email === "string" ? email : userId,
    importId: null,
  };
}

function toPrediction(prediction: RawFields): EmbeddedPredictionRecord {
  const version = prediction["model_version"];
  return {
    resultJson: JSON.stringify(prediction["result"]),
    score: numberOrNull(prediction["score"]),
    modelVersion: typeof version === "string" && version !== "" ? version : "undefined",
  };
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function show(item: unknown): string {
  const text = JSON.stringify(item) as string | undefined;
  return (text ?? "null").slice(0, MAX_ITEM_CHARS);
}
