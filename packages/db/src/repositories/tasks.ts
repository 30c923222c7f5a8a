import { toSafeId } from "@bucketbridge/core";
import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";
import type { TaskDocument } from "../import/records.ts";
import { InnerIds } from "../import/inner-ids.ts";
import { createTasks } from "../tasks/create-tasks.ts";
import { deleteTasks, type DeletedTasks } from "../tasks/delete-tasks.ts";
import { STORAGE_FILENAME } from "./storage-filename.ts";
import { toFilterSql, toOrderSql, type TaskFilter, type TaskOrder } from "./task-filter.ts";

/** A task without its annotations. */
export interface TaskRecord {
  readonly id: number;
  /** The id that a platform gave it, unique in the project. */
  readonly externalId: string | null;
  readonly projectId: number;
  readonly innerId: number;
  readonly data: unknown;
  readonly meta: unknown;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly updatedById: number | null;
  readonly isLabeled: boolean;
  readonly overlap: number;
  readonly allowSkip: boolean;
  readonly totalAnnotations: number;
  readonly cancelledAnnotations: number;
  readonly totalPredictions: number;
  /** Key of the object that it came from; null for other tasks and once its storage is gone. */
  readonly storageFilename: string | null;
  /** The source that it came from; null likewise. */
  readonly storageId: number | null;
  /** The uploaded file that it came with, and its name. */
  readonly uploadId: number | null;
  readonly uploadName: string | null;
}

/** Which tasks of a project, in which order. */
export interface TaskQuery {
  readonly projectId: number;
  /** What `$undefined$` of task data reads as. */
  readonly dataKey: string | null;
  readonly filter: TaskFilter;
  readonly orders: readonly TaskOrder[];
  readonly limit: number;
  readonly offset: number;
}

/** Sums over the tasks of a filter. */
export interface TaskTotals {
  readonly tasks: number;
  readonly annotations: number;
  readonly predictions: number;
}

/** What a caller may change of a task; absent fields stay. */
export interface TaskChanges {
  /** JSON text. */
  readonly data?: string | undefined;
  /** JSON text. */
  readonly meta?: string | undefined;
  readonly overlap?: number | undefined;
  readonly allowSkip?: boolean | undefined;
  readonly updatedById: number;
}

/** Tasks of an organisation. Those of deleted projects are not there. */
export interface TaskRepository {
  /** Bounded in time: a filter that takes too long is `timeout`. */
  list(organizationId: number, query: TaskQuery): Promise<readonly TaskRecord[]>;
  /** Totals of everything that the filter lets through. */
  total(
    organizationId: number,
    query: Pick<TaskQuery, "projectId" | "dataKey" | "filter">,
  ): Promise<TaskTotals>;
  /** Ids of everything that the filter lets through, ascending. Bounded in time like `list`. */
  listIds(
    organizationId: number,
    query: Pick<TaskQuery, "projectId" | "dataKey" | "filter">,
  ): Promise<readonly number[]>;
  find(organizationId: number, taskId: number): Promise<TaskRecord | undefined>;
  /**
   * All or none, with the annotations and predictions inside the documents; ids in the order given. Undefined when there
   * is no such project. Nothing is wished for delivery.
   */
  create(
    organizationId: number,
    projectId: number,
    documents: readonly TaskDocument[],
  ): Promise<readonly number[] | undefined>;
  update(
    organizationId: number,
    taskId: number,
    changes: TaskChanges,
  ): Promise<TaskRecord | undefined>;
  /** Removes tasks of one project with their annotations, and wishes what that means for targets. Others are passed over. */
  remove(
    organizationId: number,
    projectId: number,
    taskIds: readonly number[],
  ): Promise<DeletedTasks>;
  /** Removes every task that the project has when it is asked, in chunks. */
  removeAll(organizationId: number, projectId: number): Promise<DeletedTasks>;
}

/** A filter that reads the data of every task of a large project is cut off: people wait for the answer. */
const QUERY_TIMEOUT_MS = 20_000;
/** Rows that one transaction deletes; it holds their locks. */
const DELETE_CHUNK = 1_000;

/** Repository over `database`. */
export function createTaskRepository(database: Database): TaskRepository {
  const innerIds = new InnerIds(database);
  const op = "db.tasks";
  const bounded = { op, timeoutMs: QUERY_TIMEOUT_MS };
  return {
    list: (organizationId, query) =>
      database.inOrganization(organizationId, (tx) => listTasks(tx, query), bounded),
    total: (organizationId, query) =>
      database.inOrganization(organizationId, (tx) => totalTasks(tx, query), bounded),
    listIds: (organizationId, { projectId, dataKey, filter }) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const rows = await tx.$queryRaw<{ id: bigint }[]>`
            SELECT t.id FROM task t WHERE t.project_id = ${projectId} AND ${toFilterSql(filter, dataKey)} ORDER BY t.id`;
          return rows.map(({ id }) => toSafeId(id));
        },
        bounded,
      ),
    find: (organizationId, taskId) =>
      database.inOrganization(organizationId, (tx) => findTask(tx, taskId), { op }),
    create: (organizationId, projectId, documents) =>
      createTasks(
        { database, innerIds },
        { organizationId, projectId, documents, updatedById: null },
      ),
    update: (organizationId, taskId, changes) =>
      database.inOrganization(organizationId, (tx) => updateTask(tx, taskId, changes), { op }),
    remove: (organizationId, projectId, taskIds) =>
      removeInChunks(database, { organizationId, projectId }, taskIds),
    removeAll: async (organizationId, projectId) => {
      const ids = await database.inOrganization(
        organizationId,
        (tx) =>
          tx.$queryRaw<
            { id: bigint }[]
          >`SELECT id FROM task WHERE project_id = ${projectId} ORDER BY id`,
        { op },
      );
      return removeInChunks(
        database,
        { organizationId, projectId },
        ids.map(({ id }) => toSafeId(id)),
      );
    },
  };
}

interface TaskRow {
  readonly id: bigint;
  readonly externalId: string | null;
  readonly projectId: number;
  readonly innerId: number;
  readonly data: unknown;
  readonly meta: unknown;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly updatedById: number | null;
  readonly isLabeled: boolean;
  readonly overlap: number;
  readonly allowSkip: boolean;
  readonly totalAnnotations: number;
  readonly cancelledAnnotations: number;
  readonly totalPredictions: number;
  readonly storageFilename: string | null;
  readonly storageId: number | null;
  readonly uploadId: number | null;
  readonly uploadName: string | null;
}

const COLUMNS = Prisma.sql`t.id, t.external_id AS "externalId", t.project_id AS "projectId", t.inner_id AS "innerId", t.data, t.meta, t.created_at AS "createdAt",
  t.updated_at AS "updatedAt", t.updated_by_id AS "updatedById", t.is_labeled AS "isLabeled", t.overlap, t.allow_skip AS "allowSkip",
  t.total_annotations AS "totalAnnotations", t.cancelled_annotations AS "cancelledAnnotations",
  t.total_predictions AS "totalPredictions", ${STORAGE_FILENAME} AS "storageFilename", o.storage_id AS "storageId",
  t.upload_id AS "uploadId", (SELECT f.name FROM upload f WHERE f.id = t.upload_id) AS "uploadName"`;

/** Ids first: an offset then runs over an index or over sorted ids, and rows are read for the page only. */
async function listTasks(tx: Transaction, query: TaskQuery): Promise<TaskRecord[]> {
  const { projectId, dataKey, filter, orders, limit, offset } = query;
  const rows = await tx.$queryRaw<TaskRow[]>`
    SELECT ${COLUMNS}
    FROM (SELECT t.id, row_number() OVER () AS place FROM (
            SELECT t.id FROM task t WHERE t.project_id = ${projectId} AND ${toFilterSql(filter, dataKey)}
            ORDER BY ${toOrderSql(orders, dataKey)} LIMIT ${limit} OFFSET ${offset}) t) p
    JOIN task t ON t.id = p.id
    LEFT JOIN source_object o ON o.id = t.source_object_id
    ORDER BY p.place`;
  return rows.map(toRecord);
}

interface TotalRow {
  readonly tasks: bigint;
  readonly annotations: bigint;
  readonly predictions: bigint;
}

async function totalTasks(
  tx: Transaction,
  { projectId, dataKey, filter }: Pick<TaskQuery, "projectId" | "dataKey" | "filter">,
): Promise<TaskTotals> {
  const isAll =
    filter.conditions.length === 0 &&
    filter.onlyIds === undefined &&
    filter.exceptIds === undefined;
  const [row] = isAll
    ? // Tasks from the tally, the rest from its own indexes: no look at the tasks themselves.
      await tx.$queryRaw<TotalRow[]>`
        SELECT (SELECT coalesce(sum(c.tasks), 0)::bigint FROM project_tally c WHERE c.project_id = ${projectId}) AS tasks,
          (SELECT count(*) FROM annotation a WHERE a.project_id = ${projectId} AND NOT a.was_cancelled) AS annotations,
          (SELECT count(*) FROM prediction r WHERE r.project_id = ${projectId}) AS predictions`
    : await tx.$queryRaw<TotalRow[]>`
        SELECT count(*) AS tasks, coalesce(sum(t.total_annotations), 0)::bigint AS annotations,
          coalesce(sum(t.total_predictions), 0)::bigint AS predictions
        FROM task t WHERE t.project_id = ${projectId} AND ${toFilterSql(filter, dataKey)}`;
  return {
    tasks: toSafeId(row?.tasks ?? 0),
    annotations: toSafeId(row?.annotations ?? 0),
    predictions: toSafeId(row?.predictions ?? 0),
  };
}

async function findTask(tx: Transaction, taskId: number): Promise<TaskRecord | undefined> {
  const [row] = await tx.$queryRaw<TaskRow[]>`
    SELECT ${COLUMNS} FROM task t
    JOIN project p ON p.id = t.project_id AND p.deleted_at IS NULL
    LEFT JOIN source_object o ON o.id = t.source_object_id
    WHERE t.id = ${taskId}::bigint`;
  return row === undefined ? undefined : toRecord(row);
}

async function updateTask(
  tx: Transaction,
  taskId: number,
  changes: TaskChanges,
): Promise<TaskRecord | undefined> {
  const { data, meta, overlap, allowSkip, updatedById } = changes;
  const sets = [
    Prisma.sql`updated_at = now()`,
    Prisma.sql`updated_by_id = ${updatedById}`,
    ...(data === undefined ? [] : [Prisma.sql`data = ${data}::jsonb`]),
    ...(meta === undefined ? [] : [Prisma.sql`meta = ${meta}::jsonb`]),
    ...(overlap === undefined ? [] : [Prisma.sql`overlap = ${overlap}`]),
    ...(allowSkip === undefined ? [] : [Prisma.sql`allow_skip = ${allowSkip}`]),
  ];
  const updated = await tx.$executeRaw`
    UPDATE task t SET ${Prisma.join(sets, ", ")} FROM project p
    WHERE t.id = ${taskId}::bigint AND p.id = t.project_id AND p.deleted_at IS NULL`;
  return updated === 0 ? undefined : findTask(tx, taskId);
}

async function removeInChunks(
  database: Database,
  project: { readonly organizationId: number; readonly projectId: number },
  ids: readonly number[],
): Promise<DeletedTasks> {
  let deleted = 0;
  const targetIds = new Set<number>();
  for (let start = 0; start < ids.length; start += DELETE_CHUNK) {
    const taskIds = ids.slice(start, start + DELETE_CHUNK);
    const result = await deleteTasks(database, { ...project, taskIds, withAnnotations: true });
    deleted += result.deleted;
    for (const id of result.targetIds) targetIds.add(id);
  }
  return { deleted, targetIds: [...targetIds] };
}

function toRecord(row: TaskRow): TaskRecord {
  return { ...row, id: toSafeId(row.id) };
}
