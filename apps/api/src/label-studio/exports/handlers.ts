import { snapshotLabel } from "@bucketbridge/contracts";
import type { ProjectRecord, SnapshotOptions, SnapshotRecord } from "@bucketbridge/db";
import { readPages, readSnapshotTasks, renderSnapshot, toSnapshotFolder } from "@bucketbridge/sync";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ApiError, notFound } from "../../api-error.ts";
import { clientSignal } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { bodyOf } from "../fields.ts";
import { pathId, pathParameterId, queryFlag, queryValue } from "../query.ts";
import { toControlTags } from "./control-tags.ts";
import { convert, readFormat, sendFile } from "./download.ts";
import { readSnapshotOptions, readTitle } from "./options.ts";
import { FORMAT_VIEWS, toFormatId, toSnapshotView, type ExportFormat } from "./view.ts";

/** What exports take. */
export type ExportDeps = Pick<
  ApiDeps,
  "projects" | "snapshots" | "files" | "users" | "bell" | "clock"
>;
type View = Record<string, unknown>;

/** Tasks that are read at a time. */
const PAGE_TASKS = 100;

export async function listFormats(
  deps: ExportDeps,
  request: FastifyRequest,
): Promise<typeof FORMAT_VIEWS> {
  await findProject(deps, request);
  return FORMAT_VIEWS;
}

export async function createSnapshot(
  deps: ExportDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { organizationId, userId } = identityOf(request);
  const projectId = pathId(request, "Project");
  const body = bodyOf(request);
  const moment = new Date(deps.clock.now()).toISOString().slice(0, 16).replace("T", " ");
  const title = readTitle(body, `Export ${moment}`);
  const options = readSnapshotOptions(body);
  const made = { projectId, createdById: userId, title, options };
  const snapshot = await deps.snapshots.create(organizationId, made);
  if (snapshot === undefined) throw notFound("Project");
  const label = snapshotLabel(snapshot);
  await deps.bell.ring("export.snapshot", { v: 1, organizationId, snapshotId: snapshot.id, label });
  return reply.code(201).send(await show(deps, organizationId, snapshot));
}

export async function listSnapshots(deps: ExportDeps, request: FastifyRequest): Promise<View[]> {
  const project = await findProject(deps, request);
  const { organizationId } = project;
  const found = await deps.snapshots.list(organizationId, project.id);
  const isOldestFirst = ["id", "created_at"].includes(queryValue(request, "ordering") ?? "");
  const ordered = isOldestFirst ? found.toReversed() : found;
  return Promise.all(ordered.map((snapshot) => show(deps, organizationId, snapshot)));
}

export async function getSnapshot(deps: ExportDeps, request: FastifyRequest): Promise<View> {
  return show(deps, identityOf(request).organizationId, await findSnapshot(deps, request));
}

export async function removeSnapshot(
  deps: ExportDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { organizationId } = identityOf(request);
  const { projectId, id } = await findSnapshot(deps, request);
  await deps.snapshots.remove(organizationId, projectId, id);
  const store = await deps.files.open();
  const folder = toSnapshotFolder(projectId, id);
  // The row is gone, so that nobody finds the file any more, whether or not the store lets it go.
  await store
    .sweep(folder, () => false, { signal: request.signal })
    .catch((error: unknown) => {
      request.log.warn({ err: error, folder }, "export.remove.failed");
    });
  return reply.code(204).send();
}

/** Conversions are made when they are downloaded: nothing has to be waited for. */
export async function convertSnapshot(deps: ExportDeps, request: FastifyRequest): Promise<View> {
  await findSnapshot(deps, request);
  const format = readFormat(request, bodyOf(request)["export_type"]);
  return { export_type: format, converted_format: toFormatId(format) };
}

export async function downloadSnapshot(
  deps: ExportDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const project = await findProject(deps, request);
  const { id, status, file } = await findSnapshot(deps, request);
  const format = readFormat(request);
  if (file === null) throw notReady(status);
  const store = await deps.files.open();
  const signal = clientSignal(reply);
  const name = `project-${String(project.id)}-export-${String(id)}`;
  const read = () => store.read(file, undefined, { signal });
  if (format === "JSON") return sendFile(reply, { name, format, size: file.size, body: read() });
  const controls = toControlTags(project.labelConfig);
  return sendFile(reply, {
    ...{ name, format },
    body: convert(() => readSnapshotTasks(read()), format, controls),
  });
}

/** `GET /api/projects/{id}/export`: what the project holds now, sent while it is read. */
export async function exportNow(
  deps: ExportDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const project = await findProject(deps, request);
  const format = readFormat(request);
  const isAll = queryFlag(request, "download_all_tasks");
  const options = isAll ? {} : ({ annotated: "only" } as const);
  const moment = new Date(deps.clock.now()).toISOString().slice(0, 16).replace(":", "-");
  const name = `project-${String(project.id)}-at-${moment}`;
  const open = () => readProject(deps, project, options, clientSignal(reply));
  return sendFile(reply, { name, format, body: toFormat(open, format, project) });
}

function toFormat(
  open: () => AsyncIterable<Uint8Array>,
  format: ExportFormat,
  { labelConfig }: ProjectRecord,
): AsyncIterable<Uint8Array> {
  if (format === "JSON") return open();
  return convert(() => readSnapshotTasks(open()), format, toControlTags(labelConfig));
}

function readProject(
  { snapshots }: ExportDeps,
  { organizationId, id: projectId }: ProjectRecord,
  options: SnapshotOptions,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const pages = readPages((afterTaskId) => {
    signal.throwIfAborted();
    const query = { projectId, afterTaskId, limit: PAGE_TASKS, options };
    return snapshots.readPage(organizationId, query);
  });
  return renderSnapshot(pages, [], { tasks: 0, annotations: 0 });
}

async function findProject(deps: ExportDeps, request: FastifyRequest): Promise<ProjectRecord> {
  const { organizationId } = identityOf(request);
  const project = await deps.projects.find(organizationId, pathId(request, "Project"));
  if (project === undefined) throw notFound("Project");
  return project;
}

async function findSnapshot(deps: ExportDeps, request: FastifyRequest): Promise<SnapshotRecord> {
  const { organizationId } = identityOf(request);
  const projectId = pathId(request, "Project");
  const id = pathParameterId(request, "exportId", "Export");
  const snapshot = await deps.snapshots.find(organizationId, projectId, id);
  if (snapshot === undefined) throw notFound("Export");
  return snapshot;
}

async function show(
  { users }: ExportDeps,
  organizationId: number,
  snapshot: SnapshotRecord,
): Promise<View> {
  const { createdById } = snapshot;
  const creator =
    createdById === null ? undefined : await users.findMember(organizationId, createdById);
  return toSnapshotView(snapshot, creator);
}

function notReady(status: SnapshotRecord["status"]): ApiError {
  const detail =
    status === "failed" ? "Export has failed; make a new one" : "Export is not completed yet";
  return new ApiError({ status: 404, code: "not_found", detail });
}
