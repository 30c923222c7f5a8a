import type { ProjectRecord, TaskDocument } from "@bucketbridge/db";
import type { FastifyReply, FastifyRequest } from "fastify";
import { nonFieldError, notFound, validationError } from "../../api-error.ts";
import { identityOf } from "../../identity.ts";
import type { TargetBell } from "../../targets/target-bell.ts";
import { bodyOf, FieldReader, isFields, pythonTypeOf, type RawFields } from "../fields.ts";
import { keepExternalId, readExternalId, toExternalIdError } from "../external-id.ts";
import { findMissingKey, requiredKeys } from "./task-data.ts";
import { findProject, findTask, toColumnViews, type TaskDeps } from "./reading.ts";
import { toTaskColumnView } from "./view.ts";

/** Deleting a task deletes its annotations, which targets want to know. */
export type TaskDeletionDeps = TaskDeps & { readonly targetBell: Pick<TargetBell, "ring"> };

type View = Record<string, unknown>;

const MAX_INT = 2 ** 31 - 1;

/** `POST /api/tasks/`: the project stands in the body. */
export async function createTask(
  deps: TaskDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const body = bodyOf(request);
  const project = await deps.projects.find(identityOf(request).organizationId, readProjectId(body));
  if (project === undefined) throw notFound("Project");
  return createIn(deps, project, body, reply);
}

/** `POST /api/projects/{id}/tasks/`. */
export async function createProjectTask(
  deps: TaskDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  return createIn(deps, await findProject(deps, request), bodyOf(request), reply);
}

/** `PATCH /api/tasks/{id}/`. */
export async function updateTask(deps: TaskDeps, request: FastifyRequest): Promise<View> {
  const { task, project } = await findTask(deps, request);
  const { organizationId, userId } = identityOf(request);
  const body = bodyOf(request);
  const fields = new FieldReader(body);
  const data = fields.has("data") ? readData(fields, project) : undefined;
  const meta = fields.json("meta");
  const overlap = fields.integer("overlap", { min: 1, max: MAX_INT }) ?? undefined;
  const allowSkip = fields.boolean("allow_skip");
  keepExternalId(body, fields, task.externalId);
  fields.finish();
  const updated = await deps.tasks.update(organizationId, task.id, {
    data: data === undefined ? undefined : JSON.stringify(data),
    meta: meta === undefined ? undefined : JSON.stringify(meta),
    overlap,
    allowSkip,
    updatedById: userId,
  });
  if (updated === undefined) throw notFound("Task");
  const [view] = await toColumnViews(deps, project, [updated]);
  return view ?? {};
}

/** `DELETE /api/tasks/{id}/`: with its annotations, which writes the wishes of targets. */
export async function removeTask(
  deps: TaskDeletionDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { task } = await findTask(deps, request);
  const { organizationId } = identityOf(request);
  const { deleted, targetIds } = await deps.tasks.remove(organizationId, task.projectId, [task.id]);
  if (deleted === 0) throw notFound("Task");
  deps.targetBell.ring(organizationId, targetIds);
  return reply.code(204).send();
}

/** `DELETE /api/projects/{id}/tasks/`: all of them. */
export async function removeProjectTasks(
  deps: TaskDeletionDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const project = await findProject(deps, request);
  const { organizationId } = identityOf(request);
  const { targetIds } = await deps.tasks.removeAll(organizationId, project.id);
  deps.targetBell.ring(organizationId, targetIds);
  return reply.code(204).send();
}

async function createIn(
  { tasks }: TaskDeps,
  project: ProjectRecord,
  body: RawFields,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const fields = new FieldReader(body);
  const data = readData(fields, project);
  const meta = fields.json("meta") ?? null;
  const allowSkip = fields.boolean("allow_skip") ?? true;
  const externalId = readExternalId(body, fields);
  fields.finish();
  const document: TaskDocument = {
    data: JSON.stringify(data),
    meta: meta === null ? null : JSON.stringify(meta),
    allowSkip,
    externalId,
    annotations: [],
    predictions: [],
  };
  const ids = await tasks
    .create(project.organizationId, project.id, [document])
    .catch((error: unknown) => {
      throw toExternalIdError(error, "Task");
    });
  const task =
    ids?.[0] === undefined ? undefined : await tasks.find(project.organizationId, ids[0]);
  if (task === undefined) throw notFound("Project");
  return reply.code(201).send(toTaskColumnView(task, project.dataKey));
}

/** Data that have every key of the label config. */
function readData(fields: FieldReader, project: ProjectRecord): RawFields {
  const data = fields.json("data");
  fields.finish();
  if (data === undefined) throw validationError({ data: ["This field is required."] });
  if (!isFields(data))
    throw validationError({ data: [`Expected a dictionary, but got ${pythonTypeOf(data)}.`] });
  const missing = findMissingKey(data, requiredKeys(project));
  if (missing !== undefined)
    throw nonFieldError(`${missing} [assume: item["data"] = task root with values]`);
  return data;
}

function readProjectId(body: RawFields): number {
  const { project } = body;
  const isPk =
    typeof project === "number" || (typeof project === "string" && /^\s*\d+\s*$/.test(project));
  if (project !== undefined && project !== null && !isPk)
    throw validationError({
      project: [`Incorrect type. Expected pk value, received ${pythonTypeOf(project)}.`],
    });
  const fields = new FieldReader(body);
  const id = fields.integer("project", { required: true });
  fields.finish();
  if (id === undefined || id === null || id < 1 || id > MAX_INT) throw notFound("Project");
  return id;
}
