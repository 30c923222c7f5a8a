import type { AnnotationRecord, AnnotationSave } from "@bucketbridge/db";
import { isAppError } from "@bucketbridge/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ApiError, forbidden, notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { isAllowed } from "../../permissions.ts";
import type { TargetBell } from "../../targets/target-bell.ts";
import { pathId } from "../query.ts";
import { toAnnotationView } from "../tasks/annotation-view.ts";
import { findPeople, findTask } from "../tasks/reading.ts";
import { toExternalIdError } from "../external-id.ts";
import { readAnnotationFields } from "./fields.ts";

/** What handlers of annotations need. */
export type AnnotationDeps = Pick<
  ApiDeps,
  "annotations" | "annotationWrites" | "clock" | "predictions" | "projects" | "tasks" | "users"
> & { readonly targetBell: Pick<TargetBell, "ring"> };

type View = Record<string, unknown>;

/** `GET /api/tasks/{id}/annotations/`: those that were not canceled. */
export async function listAnnotations(
  deps: AnnotationDeps,
  request: FastifyRequest,
): Promise<View[]> {
  const { organizationId } = identityOf(request);
  const { task } = await findTask(deps, request);
  const { annotations } = await deps.annotations.listOfTasks(organizationId, [task.id]);
  return toViews(
    deps,
    request,
    annotations.filter(({ wasCancelled }) => !wasCancelled),
  );
}

/** `POST /api/tasks/{id}/annotations/`; whoever asks completed it, unless the body names somebody else. */
export async function createAnnotation(
  deps: AnnotationDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { userId } = identityOf(request);
  const { task } = await findTask(deps, request);
  const changes = await readAnnotationFields(deps, request);
  const completedById = changes.completedById ?? userId;
  assertMayChange(request, { completedById });
  const view = await save(deps, request, {
    projectId: task.projectId,
    of: { taskId: task.id },
    changes: { ...changes, completedById },
  });
  if (view === undefined) throw notFound("Task");
  return reply.code(201).send(view);
}

/** `GET /api/annotations/{id}/`. */
export async function getAnnotation(deps: AnnotationDeps, request: FastifyRequest): Promise<View> {
  const annotation = await findAnnotation(deps, request);
  const [view] = await toViews(deps, request, [annotation]);
  return view ?? {};
}

/** `PATCH` and `PUT /api/annotations/{id}/`: what is not named stays. */
export async function updateAnnotation(
  deps: AnnotationDeps,
  request: FastifyRequest,
): Promise<View> {
  const stored = await findAnnotation(deps, request);
  assertMayChange(request, stored);
  const { id: annotationId, projectId } = stored;
  const changes = await readAnnotationFields(deps, request, stored);
  if (changes.completedById !== undefined)
    assertMayChange(request, { completedById: changes.completedById });
  // As in the contract: changing one into the ground truth takes that from the others, making one does not.
  const isOnlyTruth = changes.groundTruth === true;
  const of = { annotationId };
  const view = await save(deps, request, { projectId, of, changes, isOnlyTruth });
  if (view === undefined) throw notFound("Annotation");
  return view;
}

/** `DELETE /api/annotations/{id}/`. */
export async function removeAnnotation(
  deps: AnnotationDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { organizationId } = identityOf(request);
  const stored = await findAnnotation(deps, request);
  assertMayChange(request, stored);
  const { id, projectId } = stored;
  const { deleted, targetIds } = await deps.annotationWrites.remove({
    organizationId,
    projectId,
    of: { annotationIds: [id] },
  });
  if (deleted === 0) throw notFound("Annotation");
  deps.targetBell.ring(organizationId, targetIds);
  return reply.code(204).send();
}

/** Annotators work on what is their own; reviewers and up on everybody's. */
function assertMayChange(
  request: FastifyRequest,
  annotation: Pick<AnnotationRecord, "completedById">,
): void {
  const { role, userId } = identityOf(request);
  if (annotation.completedById !== userId && !isAllowed(role, "annotations.change_any"))
    throw forbidden("You can change only annotations of your own.");
}

/** The annotation of the path; 404 for one of another organisation. */
async function findAnnotation(
  { annotations }: Pick<AnnotationDeps, "annotations">,
  request: FastifyRequest,
): Promise<AnnotationRecord> {
  const { organizationId } = identityOf(request);
  const id = pathId(request, "Annotation", "bigint");
  const annotation = await annotations.find(organizationId, id);
  if (annotation === undefined) throw notFound("Annotation");
  return annotation;
}

/** Undefined: the task or the annotation went meanwhile. */
async function save(
  deps: AnnotationDeps,
  request: FastifyRequest,
  what: Pick<AnnotationSave, "projectId" | "of" | "changes" | "isOnlyTruth">,
): Promise<View | undefined> {
  const { organizationId, userId: actorId } = identityOf(request);
  const saved = await deps.annotationWrites
    .save({ organizationId, actorId, ...what })
    .catch((error: unknown) => {
      throw toSaveError(error);
    });
  if (saved === undefined) return undefined;
  deps.targetBell.ring(organizationId, saved.targetIds);
  const [view] = await toViews(deps, request, [saved.annotation]);
  return view;
}

/** One of the two places where the contract has 409. */
function toSaveError(error: unknown): unknown {
  if (!isAppError(error, "already_exists") || error.reason !== "annotation.unique_id")
    return toExternalIdError(error, "Annotation");
  return new ApiError({
    status: 409,
    code: "already_exists",
    reason: error.reason,
    detail: "Annotation with this unique id already exists",
  });
}

async function toViews(
  deps: Pick<AnnotationDeps, "users" | "clock">,
  request: FastifyRequest,
  annotations: readonly AnnotationRecord[],
): Promise<View[]> {
  const people = await findPeople(
    deps,
    identityOf(request).organizationId,
    annotations.flatMap(({ completedById }) => completedById ?? []),
  );
  const options = { nowMs: deps.clock.now(), expanded: false };
  return annotations.map((annotation) => toAnnotationView(annotation, people, options));
}
