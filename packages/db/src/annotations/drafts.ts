import { toSafeId } from "@bucketbridge/core";
import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";

/** Unfinished work of a person on a task. */
export interface DraftRecord {
  readonly id: number;
  readonly taskId: number;
  /** The annotation that it goes on with; null for a new one. */
  readonly annotationId: number | null;
  readonly projectId: number;
  readonly userId: number;
  readonly result: unknown;
  readonly leadTime: number | null;
  readonly wasPostponed: boolean;
  readonly importId: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Columns that a caller writes; absent ones stay. */
export interface DraftChanges {
  /** JSON text. */
  readonly resultJson?: string | null | undefined;
  readonly leadTime?: number | null | undefined;
  readonly wasPostponed?: boolean | undefined;
  readonly importId?: number | null | undefined;
}

/** Where a new draft belongs. */
export interface DraftPlace {
  readonly taskId: number;
  readonly annotationId: number | null;
  readonly userId: number;
}

/** Drafts: never exported by themselves, gone once their annotation is saved. */
export interface DraftRepository {
  /** Of a task, or of one annotation of it; `userId`: only that person's. Ascending by id. */
  list(
    organizationId: number,
    filter: {
      readonly taskIds: readonly number[];
      readonly annotationId?: number | undefined;
      readonly userId?: number | undefined;
    },
  ): Promise<readonly DraftRecord[]>;
  find(organizationId: number, draftId: number): Promise<DraftRecord | undefined>;
  /** Undefined: no such task, or the annotation is of another one. */
  create(
    organizationId: number,
    place: DraftPlace,
    changes: DraftChanges,
  ): Promise<DraftRecord | undefined>;
  update(
    organizationId: number,
    draftId: number,
    changes: DraftChanges,
  ): Promise<DraftRecord | undefined>;
  /** False: it was gone already. */
  remove(organizationId: number, draftId: number): Promise<boolean>;
}

/** Repository over `database`. */
export function createDraftRepository(database: Database): DraftRepository {
  const op = { op: "db.drafts" };
  return {
    list: (organizationId, { taskIds, annotationId, userId }) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const rows = await tx.draft.findMany({
            where: {
              taskId: { in: [...taskIds] },
              ...(annotationId === undefined ? {} : { annotationId }),
              ...(userId === undefined ? {} : { userId }),
            },
            orderBy: { id: "asc" },
          });
          return rows.map(toDraft);
        },
        op,
      ),
    find: (organizationId, id) =>
      database.inOrganization(organizationId, (tx) => find(tx, BigInt(id)), op),
    create: (organizationId, place, changes) =>
      database.inOrganization(organizationId, (tx) => create(tx, place, changes), op),
    update: (organizationId, id, changes) =>
      database.inOrganization(organizationId, (tx) => update(tx, BigInt(id), changes), op),
    remove: (organizationId, id) =>
      database.inOrganization(
        organizationId,
        async (tx) => (await tx.draft.deleteMany({ where: { id } })).count > 0,
        op,
      ),
  };
}

async function find(tx: Transaction, id: bigint): Promise<DraftRecord | undefined> {
  const row = await tx.draft.findUnique({ where: { id } });
  return row === null ? undefined : toDraft(row);
}

async function create(
  tx: Transaction,
  { taskId, annotationId, userId }: DraftPlace,
  changes: DraftChanges,
): Promise<DraftRecord | undefined> {
  const { resultJson = null, leadTime = null, wasPostponed = false, importId = null } = changes;
  const [made] = await tx.$queryRaw<{ id: bigint }[]>`
    INSERT INTO draft (organization_id, project_id, task_id, annotation_id, user_id, result, lead_time, was_postponed, import_id)
    SELECT t.organization_id, t.project_id, t.id, ${annotationId}::bigint, ${userId}, ${resultJson}::jsonb, ${leadTime}::float8,
           ${wasPostponed}, ${importId}::bigint
    FROM task t JOIN project p ON p.id = t.project_id AND p.deleted_at IS NULL
    WHERE t.id = ${taskId}::bigint
      AND (${annotationId}::bigint IS NULL
           OR EXISTS (SELECT FROM annotation a WHERE a.id = ${annotationId}::bigint AND a.task_id = t.id))
    RETURNING id`;
  return made === undefined ? undefined : find(tx, made.id);
}

async function update(
  tx: Transaction,
  id: bigint,
  { resultJson, leadTime, wasPostponed, importId }: DraftChanges,
): Promise<DraftRecord | undefined> {
  const sets = [
    Prisma.sql`updated_at = now()`,
    ...(resultJson === undefined ? [] : [Prisma.sql`result = ${resultJson}::jsonb`]),
    ...(leadTime === undefined ? [] : [Prisma.sql`lead_time = ${leadTime}::float8`]),
    ...(wasPostponed === undefined ? [] : [Prisma.sql`was_postponed = ${wasPostponed}`]),
    ...(importId === undefined ? [] : [Prisma.sql`import_id = ${importId}::bigint`]),
  ];
  const changed =
    await tx.$executeRaw`UPDATE draft SET ${Prisma.join(sets, ", ")} WHERE id = ${id}`;
  return changed === 0 ? undefined : find(tx, id);
}

function toDraft(row: Prisma.DraftGetPayload<object>): DraftRecord {
  return {
    id: toSafeId(row.id),
    taskId: toSafeId(row.taskId),
    annotationId: row.annotationId === null ? null : toSafeId(row.annotationId),
    projectId: row.projectId,
    userId: row.userId,
    result: row.result,
    leadTime: row.leadTime,
    wasPostponed: row.wasPostponed,
    importId: row.importId === null ? null : toSafeId(row.importId),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
