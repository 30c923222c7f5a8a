import { AppError, isAppError, toSafeId } from "@bucketbridge/core";
import type { Database, Transaction } from "../client.ts";
import { namesConstraint } from "../database-errors.ts";
import { readAnnotation, type AnnotationRecord } from "../repositories/annotations.ts";
import {
  loadStatements,
  runStatement,
  type Statements,
  type StatementValue,
} from "../statements.ts";

/** Columns of an annotation that a save writes; absent ones keep what they have (of a new one: their default). */
export interface AnnotationChanges {
  /** JSON text; null is stored as no result. */
  readonly resultJson?: string | null | undefined;
  readonly wasCancelled?: boolean | undefined;
  readonly groundTruth?: boolean | undefined;
  readonly leadTime?: number | null | undefined;
  readonly completedById?: number | null | undefined;
  readonly lastCreatedById?: number | null | undefined;
  /** Unique in the organisation; a new annotation without one gets one. */
  readonly uniqueId?: string | null | undefined;
  readonly parentPredictionId?: number | null | undefined;
  readonly parentAnnotationId?: number | null | undefined;
  readonly importId?: number | null | undefined;
  readonly lastAction?: string | null | undefined;
  /** The id that a platform gave it, unique in the project. At most some hundred characters. */
  readonly externalId?: string | null | undefined;
  /** JSON text. */
  readonly predictionJson?: string | null | undefined;
  readonly bulkCreated?: boolean | undefined;
  /** ISO 8601; a platform's events bring their own times. */
  readonly draftCreatedAt?: string | null | undefined;
  readonly createdAt?: string | undefined;
  readonly updatedAt?: string | undefined;
}

/** One save of an annotation. */
export interface AnnotationSave {
  readonly organizationId: number;
  readonly projectId: number;
  /** The annotation to change, or the task that gets a new one. */
  readonly of: { readonly annotationId: number } | { readonly taskId: number };
  /** Becomes updated_by; the drafts that became this annotation go: of an existing one all, of a new one this person's. */
  readonly actorId: number | null;
  readonly changes: AnnotationChanges;
  /** Saved only when nobody else saved it since this revision. */
  readonly expectedRevision?: number | undefined;
  /** It becomes the ground truth of its task: the others are none any more. */
  readonly isOnlyTruth?: boolean | undefined;
}

/** A saved annotation and the targets that want it: ring for them. */
export interface AnnotationSaved {
  readonly annotation: AnnotationRecord;
  readonly revision: number;
  readonly created: boolean;
  readonly targetIds: readonly number[];
}

/** The row that `annotation-save` returns. */
export interface SavedRow {
  readonly id: bigint;
  readonly revision: number;
  readonly task_id: bigint;
  readonly created: boolean;
  readonly targets: readonly number[];
}

/**
 * Saves an annotation with the wish of every target of its project, in one transaction that first holds the project against new
 * targets. Undefined: no such task or annotation in the project, or somebody else saved it since `expectedRevision`.
 * A `uniqueId` that exists is `already_exists` / `annotation.unique_id`, an external id likewise `annotation.external_id`.
 */
export async function saveAnnotation(
  database: Database,
  save: AnnotationSave,
  statements: Statements = loadStatements(),
): Promise<AnnotationSaved | undefined> {
  try {
    return await database.inOrganization(
      save.organizationId,
      async (tx) => {
        const held = await runStatement(tx, statements["project-hold"], [save.projectId]);
        if (held.length === 0) return undefined;
        const row = await writeAnnotation(tx, statements, save, null);
        if (row === undefined) return undefined;
        const others = save.isOnlyTruth === true ? await unmarkOthers(tx, statements, row.id) : [];
        const annotation = await readAnnotation(tx, row.id);
        if (annotation === undefined) return undefined;
        const outcome = toOutcome(row);
        const targetIds = [...new Set([...outcome.targetIds, ...others])];
        return { annotation, ...outcome, targetIds };
      },
      { op: "db.annotation.save" },
    );
  } catch (error) {
    throw toSaveError(error, save.changes);
  }
}

async function unmarkOthers(
  tx: Transaction,
  statements: Statements,
  annotationId: bigint,
): Promise<readonly number[]> {
  const [row] = await runStatement<{ targets: readonly number[] }>(
    tx,
    statements["annotation-only-truth"],
    [toSafeId(annotationId)],
  );
  return row?.targets ?? [];
}

/** Ids of a saved row. */
export function toOutcome(row: SavedRow): {
  readonly annotationId: number;
  readonly revision: number;
  readonly created: boolean;
  readonly targetIds: readonly number[];
} {
  return {
    annotationId: toSafeId(row.id),
    revision: row.revision,
    created: row.created,
    targetIds: row.targets,
  };
}

/** The save itself, in a transaction whose first statement was project-hold. `eventVersion`: only when it is newer. */
export async function writeAnnotation(
  tx: Transaction,
  statements: Statements,
  save: Omit<AnnotationSave, "organizationId">,
  eventVersion: number | null,
): Promise<SavedRow | undefined> {
  const { of, changes } = save;
  const values = [
    "annotationId" in of ? of.annotationId : null,
    "taskId" in of ? of.taskId : null,
    save.actorId,
    save.expectedRevision ?? null,
    ...toColumns(changes),
    eventVersion,
    save.projectId,
  ];
  return (await runStatement<SavedRow>(tx, statements["annotation-save"], values))[0];
}

/** The database's names of what may be written, in the order of the statement's parameters. */
const COLUMNS = [
  ["result", "resultJson"],
  ["was_cancelled", "wasCancelled"],
  ["ground_truth", "groundTruth"],
  ["lead_time", "leadTime"],
  ["completed_by_id", "completedById"],
  ["last_created_by_id", "lastCreatedById"],
  ["unique_id", "uniqueId"],
  ["parent_prediction_id", "parentPredictionId"],
  ["parent_annotation_id", "parentAnnotationId"],
  ["import_id", "importId"],
  ["last_action", "lastAction"],
  ["external_id", "externalId"],
  ["prediction", "predictionJson"],
  ["bulk_created", "bulkCreated"],
  ["draft_created_at", "draftCreatedAt"],
  ["created_at", "createdAt"],
  ["updated_at", "updatedAt"],
] as const satisfies readonly (readonly [string, keyof AnnotationChanges])[];

function toColumns(changes: AnnotationChanges): StatementValue[] {
  const written = COLUMNS.filter(([, field]) => changes[field] !== undefined);
  return [
    written.map(([column]) => column),
    ...COLUMNS.map(([, field]): StatementValue => changes[field] ?? null),
  ];
}

function toSaveError(error: unknown, { uniqueId }: AnnotationChanges): unknown {
  if (!isAppError(error, "already_exists")) return error;
  if (namesConstraint(error, "annotation_external_id")) {
    return new AppError({
      code: "already_exists",
      reason: "annotation.external_id",
      op: "db.annotation.save",
      message: "the project has an annotation of this external id already",
      cause: error,
    });
  }
  if (uniqueId === undefined || uniqueId === null) return error;
  return new AppError({
    code: "already_exists",
    reason: "annotation.unique_id",
    op: "db.annotation.save",
    message: "an annotation with this unique id exists already",
    cause: error,
  });
}
