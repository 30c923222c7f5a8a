import { isAppError } from "@bucketbridge/core";
import { removeAnnotations } from "../annotations/delete-annotations.ts";
import {
  toOutcome,
  writeAnnotation,
  type AnnotationChanges,
} from "../annotations/save-annotation.ts";
import type { Database, Transaction } from "../client.ts";
import { loadStatements, runStatement, type Statements } from "../statements.ts";

/**
 * How an event names its task: our id, the platform's, or the key of the object that it came from, in any source of the project
 * or in one.
 */
export type EventTask =
  | { readonly id: number }
  | { readonly externalId: string }
  | { readonly sourceKey: string; readonly storageId?: number | undefined };

/** An annotation that a platform with a database of its own saved. */
export interface AnnotationSavedEvent {
  readonly organizationId: number;
  readonly projectId: number;
  /** The platform's id of the annotation. */
  readonly externalId: string;
  /** The platform's version: a higher one is newer, whenever it arrives. */
  readonly version: number;
  readonly task: EventTask;
  readonly actorId: number | null;
  readonly changes: Omit<AnnotationChanges, "externalId">;
}

/** The same of a deletion. */
export type AnnotationDeletedEvent = Pick<
  AnnotationSavedEvent,
  "organizationId" | "projectId" | "externalId" | "version"
>;

/**
 * What an event came to. stale: a newer version, or the deletion, is known already. unknown_task, ambiguous_task: none, or more than
 * one task has that name. other_task: the annotation belongs to another task. deleted: it is gone, or never was; a tombstone
 * keeps older events from bringing it back.
 */
export type EventOutcome =
  | {
      readonly kind: "saved";
      readonly annotationId: number;
      readonly revision: number;
      readonly created: boolean;
      readonly targetIds: readonly number[];
    }
  | { readonly kind: "deleted"; readonly targetIds: readonly number[] }
  | { readonly kind: "stale" | "unknown_task" | "ambiguous_task" | "other_task" };

/**
 * Applies a save that may come late, twice or out of order; harmless to repeat. Events of one annotation are applied one at a time.
 * A `uniqueId` that another annotation has is `already_exists`.
 */
export async function applySavedEvent(
  database: Database,
  event: AnnotationSavedEvent,
  statements: Statements = loadStatements(),
): Promise<EventOutcome> {
  return database.inOrganization(
    event.organizationId,
    async (tx) => {
      if (!(await holdAnnotation(tx, statements, event))) return { kind: "unknown_task" };
      const known = await findKnown(tx, event);
      const tasks = await findTasks(tx, event.projectId, event.task);
      const [task] = tasks;
      if (task === undefined) return { kind: "unknown_task" };
      const isOf = known === undefined || tasks.some(({ id }) => id === known.taskId);
      if (!isOf) return { kind: "other_task" };
      if (known === undefined && tasks.length > 1) return { kind: "ambiguous_task" };
      const row = await writeAnnotation(
        tx,
        statements,
        {
          projectId: event.projectId,
          of:
            known === undefined ? { taskId: Number(task.id) } : { annotationId: Number(known.id) },
          actorId: event.actorId,
          changes: { ...event.changes, externalId: event.externalId },
        },
        event.version,
      );
      return row === undefined ? { kind: "stale" } : { kind: "saved", ...toOutcome(row) };
    },
    { op: "db.event.save" },
  );
}

/** Applies a deletion, of an annotation that is known or of one that may still come. */
export async function applyDeletedEvent(
  database: Database,
  event: AnnotationDeletedEvent,
  statements: Statements = loadStatements(),
): Promise<EventOutcome> {
  const { organizationId, projectId, externalId, version } = event;
  return database.inOrganization(
    organizationId,
    async (tx) => {
      if (!(await holdAnnotation(tx, statements, event))) return { kind: "deleted", targetIds: [] };
      const known = await findKnown(tx, event);
      if (known?.eventVersion !== undefined && known.eventVersion !== null) {
        if (known.eventVersion > BigInt(version)) return { kind: "stale" };
      }
      await tx.$executeRaw`
        INSERT INTO annotation_tombstone AS t (organization_id, project_id, external_id, event_version)
        VALUES (${organizationId}, ${projectId}, ${externalId}, ${version}::bigint)
        ON CONFLICT (project_id, external_id) DO UPDATE
        SET event_version = greatest(t.event_version, excluded.event_version), deleted_at = now()`;
      if (known === undefined) return { kind: "deleted", targetIds: [] };
      const of = { annotationIds: [known.id], taskIds: null };
      const { targetIds } = await removeAnnotations(tx, statements, of);
      return { kind: "deleted", targetIds };
    },
    { op: "db.event.delete" },
  );
}

/** True for an event whose annotation another one, of the API, made at the same moment: apply it again. */
export function isEventConflict(error: unknown): boolean {
  return isAppError(error, "already_exists");
}

/** Holds the project against new targets and the annotation against other events. False: no such project. */
async function holdAnnotation(
  tx: Transaction,
  statements: Statements,
  { projectId, externalId }: Pick<AnnotationSavedEvent, "projectId" | "externalId">,
): Promise<boolean> {
  const held = await runStatement(tx, statements["project-hold"], [projectId]);
  // Statements of their own: what the lock waited for is seen by the next one.
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${projectId}::int, hashtext(${externalId}))`;
  return held.length > 0;
}

interface KnownAnnotation {
  readonly id: bigint;
  readonly taskId: bigint;
  readonly eventVersion: bigint | null;
}

async function findKnown(
  tx: Transaction,
  { projectId, externalId }: Pick<AnnotationSavedEvent, "projectId" | "externalId">,
): Promise<KnownAnnotation | undefined> {
  const [known] = await tx.$queryRaw<KnownAnnotation[]>`
    SELECT id, task_id AS "taskId", event_version AS "eventVersion" FROM annotation
    WHERE project_id = ${projectId} AND external_id = ${externalId}`;
  return known;
}

/** At most as many as tell that a name is not unique; of a known annotation all that have it. */
async function findTasks(
  tx: Transaction,
  projectId: number,
  task: EventTask,
): Promise<readonly { readonly id: bigint }[]> {
  if ("id" in task)
    return tx.$queryRaw`SELECT id FROM task WHERE id = ${task.id}::bigint AND project_id = ${projectId}`;
  if ("externalId" in task)
    return tx.$queryRaw`SELECT id FROM task WHERE project_id = ${projectId} AND external_id = ${task.externalId}`;
  const storageId = task.storageId ?? null;
  return tx.$queryRaw`
    SELECT t.id FROM storage s
    JOIN source_object o ON o.storage_id = s.id AND o.location_version = s.location_version AND o.key = ${task.sourceKey}
    JOIN task t ON t.source_object_id = o.id
    WHERE s.project_id = ${projectId} AND s.direction = 'source' AND s.deleted_at IS NULL
      AND (${storageId}::int IS NULL OR s.id = ${storageId}::int)
    ORDER BY t.id`;
}
