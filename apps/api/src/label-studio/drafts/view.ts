import { toCreatedAgo, toWireTime } from "@bucketbridge/contracts";
import type { DraftRecord } from "@bucketbridge/db";
import { toUsername, type People } from "../tasks/annotation-view.ts";

/** A draft in the contract's order. */
export function toDraftView(
  draft: DraftRecord,
  people: People,
  nowMs: number,
): Record<string, unknown> {
  const person = people.get(draft.userId);
  return {
    id: draft.id,
    user: person?.email ?? "",
    created_username: person === undefined ? "" : toUsername(person),
    created_ago: toCreatedAgo(draft.createdAt, nowMs),
    result: draft.result,
    lead_time: draft.leadTime,
    was_postponed: draft.wasPostponed,
    import_id: draft.importId,
    created_at: toWireTime(draft.createdAt),
    updated_at: toWireTime(draft.updatedAt),
    task: draft.taskId,
    annotation: draft.annotationId,
  };
}
