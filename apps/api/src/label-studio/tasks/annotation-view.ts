import { toAvatarUrl } from "../../uploads/file-keys.ts";
import type { AnnotationRecord, Member, PredictionRecord } from "@bucketbridge/db";
import { toExternalIdView } from "../external-id.ts";
import { toInitials } from "../users/view.ts";
import { toWireTime } from "@bucketbridge/contracts";
import { toCreatedAgo } from "@bucketbridge/contracts";

/** People by their ids, as far as they are members. */
export type People = ReadonlyMap<number, Member>;

/** An annotation in the contract's order. `expanded`: who completed it is an object, as in the detail of a task. */
export function toAnnotationView(
  annotation: AnnotationRecord,
  people: People,
  options: { readonly nowMs: number; readonly expanded: boolean },
): Record<string, unknown> {
  const { completedById } = annotation;
  const person = completedById === null ? undefined : people.get(completedById);
  return {
    id: annotation.id,
    result: annotation.result,
    created_username: person === undefined ? "" : toUsername(person),
    created_ago: toCreatedAgo(annotation.createdAt, options.nowMs),
    completed_by: options.expanded && person !== undefined ? toPersonView(person) : completedById,
    was_cancelled: annotation.wasCancelled,
    ground_truth: annotation.groundTruth,
    created_at: toWireTime(annotation.createdAt),
    updated_at: toWireTime(annotation.updatedAt),
    draft_created_at:
      annotation.draftCreatedAt === null ? null : toWireTime(annotation.draftCreatedAt),
    lead_time: annotation.leadTime,
    import_id: annotation.importId,
    // The engine's own mark of annotations that came with their task; the contract has null there.
    last_action: annotation.lastAction === "imported" ? null : annotation.lastAction,
    bulk_created: annotation.bulkCreated,
    task: annotation.taskId,
    project: annotation.projectId,
    updated_by: annotation.updatedById,
    parent_prediction: annotation.parentPredictionId,
    parent_annotation: annotation.parentAnnotationId,
    last_created_by: annotation.lastCreatedById,
    ...toExternalIdView(annotation.externalId),
  };
}

/** A prediction in the contract's order. */
export function toPredictionView(
  prediction: PredictionRecord,
  nowMs: number,
): Record<string, unknown> {
  return {
    id: prediction.id,
    result: prediction.result,
    model_version: prediction.modelVersion,
    created_ago: toCreatedAgo(prediction.createdAt, nowMs),
    score: prediction.score,
    cluster: prediction.cluster,
    neighbors: prediction.neighbors,
    mislabeling: prediction.mislabeling,
    created_at: toWireTime(prediction.createdAt),
    updated_at: toWireTime(prediction.updatedAt),
    model: null,
    model_run: null,
    task: prediction.taskId,
    project: prediction.projectId,
  };
}

/** `<first> <last> <email>, <id>`; without names one blank is left in front. */
export function toUsername({ firstName, lastName, email, userId }: Member): string {
  const last = lastName === "" ? "" : ` ${lastName}`;
  return `${firstName}${last} ${email}, ${String(userId)}`;
}

function toPersonView(person: Member): Record<string, unknown> {
  return {
    id: person.userId,
    first_name: person.firstName,
    last_name: person.lastName,
    avatar: toAvatarUrl(person.avatar),
    email: person.email,
    initials: toInitials(person),
  };
}
