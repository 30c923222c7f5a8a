import type { DraftChanges, DraftRecord } from "@bucketbridge/db";
import type { FastifyReply, FastifyRequest } from "fastify";
import { notFound, validationError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { isMembersOnly } from "../../permissions.ts";
import { bodyOf, FieldReader } from "../fields.ts";
import { pathId, toBigId } from "../query.ts";
import { findPeople, findTask } from "../tasks/reading.ts";
import { toDraftView } from "./view.ts";

/** What handlers of drafts need. */
export type DraftDeps = Pick<ApiDeps, "clock" | "drafts" | "projects" | "tasks" | "users">;

type View = Record<string, unknown>;

/** `GET /api/tasks/{id}/drafts`, and the same of one of its annotations. */
export async function listDrafts(deps: DraftDeps, request: FastifyRequest): Promise<View[]> {
  const { organizationId, role, userId } = identityOf(request);
  const { task } = await findTask(deps, request);
  const annotationId = annotationOfPath(request);
  const filter = {
    taskIds: [task.id],
    annotationId: annotationId ?? undefined,
    ...(isMembersOnly(role) ? { userId } : {}),
  };
  return toViews(deps, request, await deps.drafts.list(organizationId, filter));
}

/** `POST` to the same paths: a draft of the caller. */
export async function createDraft(
  deps: DraftDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { organizationId, userId } = identityOf(request);
  const { task } = await findTask(deps, request);
  const annotationId = annotationOfPath(request);
  const changes = readDraftFields(request);
  if (changes.resultJson === undefined)
    throw validationError({ result: ["This field is required."] });
  const place = { taskId: task.id, annotationId, userId };
  const draft = await deps.drafts.create(organizationId, place, changes);
  if (draft === undefined) throw notFound(annotationId === null ? "Task" : "Annotation");
  return reply.code(201).send(await toView(deps, request, draft));
}

/** `GET /api/drafts/{id}/`. */
export async function getDraft(deps: DraftDeps, request: FastifyRequest): Promise<View> {
  const { organizationId } = identityOf(request);
  const draft = await deps.drafts.find(
    organizationId,
    pathId(request, "AnnotationDraft", "bigint"),
  );
  if (draft === undefined) throw notFound("AnnotationDraft");
  return toView(deps, request, draft);
}

/** `PATCH` and `PUT /api/drafts/{id}/`. */
export async function updateDraft(deps: DraftDeps, request: FastifyRequest): Promise<View> {
  const { organizationId } = identityOf(request);
  const id = pathId(request, "AnnotationDraft", "bigint");
  const draft = await deps.drafts.update(organizationId, id, readDraftFields(request));
  if (draft === undefined) throw notFound("AnnotationDraft");
  return toView(deps, request, draft);
}

/** `DELETE /api/drafts/{id}/`. */
export async function removeDraft(
  { drafts }: DraftDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { organizationId } = identityOf(request);
  const removed = await drafts.remove(organizationId, pathId(request, "AnnotationDraft", "bigint"));
  if (!removed) throw notFound("AnnotationDraft");
  return reply.code(204).send();
}

function readDraftFields(request: FastifyRequest): DraftChanges {
  const fields = new FieldReader(bodyOf(request));
  const result = fields.exactJson("result");
  const changes = {
    resultJson: result === undefined ? undefined : JSON.stringify(result),
    leadTime: fields.number("lead_time"),
    wasPostponed: fields.boolean("was_postponed"),
    importId: fields.integer("import_id"),
  };
  fields.finish();
  return changes;
}

/** Null on the path of a task alone. */
function annotationOfPath(request: FastifyRequest): number | null {
  const { annotationId: text } = request.params as { readonly annotationId?: string };
  if (text === undefined) return null;
  const id = toBigId(text);
  if (id === undefined) throw notFound("Annotation");
  return id;
}

async function toView(deps: DraftDeps, request: FastifyRequest, draft: DraftRecord): Promise<View> {
  const [view] = await toViews(deps, request, [draft]);
  return view ?? {};
}

async function toViews(
  deps: Pick<DraftDeps, "users" | "clock">,
  request: FastifyRequest,
  drafts: readonly DraftRecord[],
): Promise<View[]> {
  const userIds = drafts.map(({ userId }) => userId);
  const people = await findPeople(deps, identityOf(request).organizationId, userIds);
  const nowMs = deps.clock.now();
  return drafts.map((draft) => toDraftView(draft, people, nowMs));
}
