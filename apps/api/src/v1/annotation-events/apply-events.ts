import type { AnnotationEventResult, EventAnnotation } from "@bucketbridge/contracts";
import { isAppError } from "@bucketbridge/core";
import {
  isEventConflict,
  type AnnotationSavedEvent,
  type EventOutcome,
  type EventTask,
} from "@bucketbridge/db";
import type { ApiDeps } from "../../deps.ts";
import { findInvalidValue } from "../../json/invalid-value.ts";
import type { TargetBell } from "../../targets/target-bell.ts";

/** What applies events. */
export type EventDeps = Pick<ApiDeps, "annotationEvents" | "users"> & {
  readonly targetBell: Pick<TargetBell, "ring">;
};

/** The project whose events they are. */
export interface EventPlace {
  readonly organizationId: number;
  readonly projectId: number;
}

/** A change to one annotation of a platform; of a saved one the names of its task, the surest first. */
export type AnnotationChange =
  | {
      readonly action: "saved";
      readonly externalId: string;
      readonly version: number;
      readonly tasks: readonly EventTask[];
      readonly annotation: EventAnnotation;
    }
  | { readonly action: "deleted"; readonly externalId: string; readonly version: number };

/** Events of one batch that are applied at the same time; each takes a connection of the pool. */
const LANES = 3;

const MESSAGES = {
  unknown_task: "the project has no task of this name",
  ambiguous_task: "more than one task of the project has this name; name it by its id",
  other_task: "the annotation belongs to another task",
  unknown_user: "completed_by is no member of this organisation",
  unique_id_taken: "another annotation has this unique_id",
} as const;

/**
 * Applies changes, those of one annotation in their order, and rings for the targets that want something. One result per change.
 * When the database fails all of it may be repeated: what was applied is stale then.
 */
export async function applyEvents(
  deps: EventDeps,
  place: EventPlace,
  changes: readonly AnnotationChange[],
): Promise<AnnotationEventResult[]> {
  const members = await findMembers(deps, place, changes);
  const results: AnnotationEventResult[] = [];
  const chains = Map.groupBy(changes.entries(), ([, { externalId }]) => externalId).values();
  const lane = async (): Promise<void> => {
    for (const chain of chains)
      for (const [index, change] of chain)
        results[index] = await applyOne(deps, place, change, members);
  };
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
  const failed = lanes.find((settled) => settled.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results;
}

async function findMembers(
  { users }: EventDeps,
  { organizationId }: EventPlace,
  changes: readonly AnnotationChange[],
): Promise<ReadonlySet<number>> {
  const named = changes.flatMap((change) =>
    change.action === "saved" ? (change.annotation.completed_by ?? []) : [],
  );
  if (named.length === 0) return new Set();
  const members = await users.listMembers(organizationId, [...new Set(named)]);
  return new Set(members.map(({ userId }) => userId));
}

async function applyOne(
  deps: EventDeps,
  place: EventPlace,
  change: AnnotationChange,
  members: ReadonlySet<number>,
): Promise<AnnotationEventResult> {
  const { externalId, version } = change;
  if (change.action === "deleted") {
    const event = { ...place, externalId, version };
    return finish(deps, place, externalId, await deps.annotationEvents.applyDeleted(event));
  }
  const { annotation } = change;
  const invalid =
    findInvalidValue(annotation.result, "result") ??
    findInvalidValue(annotation.prediction, "prediction");
  if (invalid !== undefined)
    return fail(externalId, "invalid_value", `${invalid.path}: ${invalid.problem}`);
  if (annotation.completed_by !== null && !members.has(annotation.completed_by))
    return fail(externalId, "unknown_user", MESSAGES.unknown_user);
  const outcome = await applySaved(deps, place, change);
  return outcome === "unique_id_taken"
    ? fail(externalId, outcome, MESSAGES[outcome])
    : finish(deps, place, externalId, outcome);
}

/** The first name that is a task's decides. */
async function applySaved(
  deps: EventDeps,
  place: EventPlace,
  change: AnnotationChange & { readonly action: "saved" },
): Promise<EventOutcome | "unique_id_taken"> {
  const { externalId, version, annotation } = change;
  const event = {
    ...place,
    externalId,
    version,
    actorId: annotation.completed_by,
    changes: toChanges(annotation),
  };
  let last: EventOutcome = { kind: "unknown_task" };
  for (const task of change.tasks) {
    const outcome = await applyTwice(deps, { ...event, task });
    if (outcome === "unique_id_taken" || !isNoTask(outcome)) return outcome;
    if (outcome.kind === "ambiguous_task") last = outcome;
  }
  return last;
}

function isNoTask({ kind }: EventOutcome): boolean {
  return kind === "unknown_task" || kind === "ambiguous_task";
}

/** Whoever met another one that made the same annotation finds it there the second time. */
async function applyTwice(
  { annotationEvents }: EventDeps,
  event: AnnotationSavedEvent,
): Promise<EventOutcome | "unique_id_taken"> {
  for (const isLast of [false, true]) {
    try {
      return await annotationEvents.applySaved(event);
    } catch (error) {
      if (!isAppError(error) || !isEventConflict(error)) throw error;
      if (isLast) return "unique_id_taken";
    }
  }
  return "unique_id_taken";
}

function toChanges(annotation: EventAnnotation): AnnotationSavedEvent["changes"] {
  const { result, prediction } = annotation;
  return {
    resultJson: result === null ? null : JSON.stringify(result),
    wasCancelled: annotation.was_cancelled,
    groundTruth: annotation.ground_truth,
    leadTime: annotation.lead_time,
    completedById: annotation.completed_by,
    uniqueId: annotation.unique_id ?? undefined,
    importId: annotation.import_id,
    lastAction: annotation.last_action,
    predictionJson: prediction === null ? null : JSON.stringify(prediction),
    bulkCreated: annotation.bulk_created,
    draftCreatedAt: annotation.draft_created_at,
    createdAt: annotation.created_at,
    updatedAt: annotation.updated_at,
  };
}

function finish(
  { targetBell }: EventDeps,
  { organizationId }: EventPlace,
  externalId: string,
  outcome: EventOutcome,
): AnnotationEventResult {
  const none = { annotationId: null, revision: null, code: null, message: null };
  if ("targetIds" in outcome) targetBell.ring(organizationId, outcome.targetIds);
  switch (outcome.kind) {
    case "saved": {
      const { annotationId, revision } = outcome;
      return { ...none, externalId, status: "saved", annotationId, revision };
    }
    case "deleted":
    case "stale":
      return { ...none, externalId, status: outcome.kind };
    default:
      return fail(externalId, outcome.kind, MESSAGES[outcome.kind]);
  }
}

function fail(externalId: string, code: string, message: string): AnnotationEventResult {
  return { externalId, status: "failed", annotationId: null, revision: null, code, message };
}
