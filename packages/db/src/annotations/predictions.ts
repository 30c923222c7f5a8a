import { toSafeId } from "@bucketbridge/core";
import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";
import { toPrediction, type PredictionRecord } from "../repositories/annotations.ts";

/** Columns of a prediction that a caller writes; absent ones stay. */
export interface PredictionChanges {
  /** JSON text. */
  readonly resultJson?: string | null | undefined;
  readonly score?: number | null | undefined;
  readonly modelVersion?: string | null | undefined;
  readonly cluster?: number | null | undefined;
  /** JSON text. */
  readonly neighborsJson?: string | null | undefined;
  readonly mislabeling?: number | undefined;
}

/** Which predictions; one of the two is given. */
export interface PredictionFilter {
  readonly taskId?: number | undefined;
  readonly projectId?: number | undefined;
  /** Ids above this one: the last one of the page before. */
  readonly after?: number | undefined;
  readonly limit: number;
}

/** What models said about tasks. Never exported by itself: no wishes. */
export interface PredictionRepository {
  /** Ascending by id. */
  list(organizationId: number, filter: PredictionFilter): Promise<readonly PredictionRecord[]>;
  find(organizationId: number, predictionId: number): Promise<PredictionRecord | undefined>;
  /** Undefined: no such task. */
  create(
    organizationId: number,
    taskId: number,
    changes: PredictionChanges,
  ): Promise<PredictionRecord | undefined>;
  update(
    organizationId: number,
    predictionId: number,
    changes: PredictionChanges,
  ): Promise<PredictionRecord | undefined>;
  /** False: it was gone already. */
  remove(organizationId: number, predictionId: number): Promise<boolean>;
  /** Of some tasks of one project; the number of those that went. */
  removeOfTasks(
    organizationId: number,
    projectId: number,
    taskIds: readonly number[],
  ): Promise<number>;
}

/** Repository over `database`. Counters of tasks go with every change; the task is locked first. */
export function createPredictionRepository(database: Database): PredictionRepository {
  const op = { op: "db.predictions" };
  return {
    list: (organizationId, filter) =>
      database.inOrganization(organizationId, (tx) => list(tx, filter), op),
    find: (organizationId, id) =>
      database.inOrganization(organizationId, (tx) => find(tx, BigInt(id)), op),
    create: (organizationId, taskId, changes) =>
      database.inOrganization(organizationId, (tx) => create(tx, taskId, changes), op),
    update: (organizationId, id, changes) =>
      database.inOrganization(organizationId, (tx) => update(tx, BigInt(id), changes), op),
    remove: (organizationId, id) =>
      database.inOrganization(organizationId, (tx) => remove(tx, id), op),
    removeOfTasks: (organizationId, projectId, taskIds) =>
      database.inOrganization(organizationId, (tx) => removeOfTasks(tx, projectId, taskIds), op),
  };
}

async function list(tx: Transaction, filter: PredictionFilter): Promise<PredictionRecord[]> {
  const { taskId, projectId, after, limit } = filter;
  const rows = await tx.prediction.findMany({
    where: {
      ...(taskId === undefined ? {} : { taskId }),
      ...(projectId === undefined ? {} : { projectId }),
      ...(after === undefined ? {} : { id: { gt: after } }),
    },
    orderBy: { id: "asc" },
    take: limit,
  });
  return rows.map(toPrediction);
}

async function find(tx: Transaction, id: bigint): Promise<PredictionRecord | undefined> {
  const row = await tx.prediction.findUnique({ where: { id } });
  return row === null ? undefined : toPrediction(row);
}

async function create(
  tx: Transaction,
  taskId: number,
  changes: PredictionChanges,
): Promise<PredictionRecord | undefined> {
  const [task] = await tx.$queryRaw<{ organizationId: number; projectId: number }[]>`
    UPDATE task t SET total_predictions = t.total_predictions + 1 FROM project p
    WHERE t.id = ${taskId}::bigint AND p.id = t.project_id AND p.deleted_at IS NULL
    RETURNING t.organization_id AS "organizationId", t.project_id AS "projectId"`;
  if (task === undefined) return undefined;
  const { resultJson = null, neighborsJson = null } = changes;
  const [made] = await tx.$queryRaw<{ id: bigint }[]>`
    INSERT INTO prediction (organization_id, project_id, task_id, result, score, model_version, cluster, neighbors, mislabeling)
    VALUES (${task.organizationId}, ${task.projectId}, ${taskId}::bigint, ${resultJson}::jsonb, ${changes.score ?? null}::float8,
            ${changes.modelVersion ?? null}, ${changes.cluster ?? null}::int, ${neighborsJson}::jsonb, ${changes.mislabeling ?? 0}::float8)
    RETURNING id`;
  return made === undefined ? undefined : find(tx, made.id);
}

async function update(
  tx: Transaction,
  id: bigint,
  changes: PredictionChanges,
): Promise<PredictionRecord | undefined> {
  const { resultJson, score, modelVersion, cluster, neighborsJson, mislabeling } = changes;
  const sets = [
    Prisma.sql`updated_at = now()`,
    ...(resultJson === undefined ? [] : [Prisma.sql`result = ${resultJson}::jsonb`]),
    ...(score === undefined ? [] : [Prisma.sql`score = ${score}::float8`]),
    ...(modelVersion === undefined ? [] : [Prisma.sql`model_version = ${modelVersion}`]),
    ...(cluster === undefined ? [] : [Prisma.sql`cluster = ${cluster}::int`]),
    ...(neighborsJson === undefined ? [] : [Prisma.sql`neighbors = ${neighborsJson}::jsonb`]),
    ...(mislabeling === undefined ? [] : [Prisma.sql`mislabeling = ${mislabeling}::float8`]),
  ];
  const changed =
    await tx.$executeRaw`UPDATE prediction SET ${Prisma.join(sets, ", ")} WHERE id = ${id}`;
  return changed === 0 ? undefined : find(tx, id);
}

async function remove(tx: Transaction, id: number): Promise<boolean> {
  const [task] = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT t.id FROM task t WHERE t.id = (SELECT r.task_id FROM prediction r WHERE r.id = ${id}::bigint) FOR NO KEY UPDATE`;
  if (task === undefined) return false;
  const gone = await tx.prediction.deleteMany({ where: { id } });
  if (gone.count === 0) return false;
  await tx.$executeRaw`UPDATE task SET total_predictions = total_predictions - 1 WHERE id = ${task.id}`;
  return true;
}

async function removeOfTasks(
  tx: Transaction,
  projectId: number,
  taskIds: readonly number[],
): Promise<number> {
  const [row] = await tx.$queryRaw<{ removed: bigint }[]>`
    WITH held AS MATERIALIZED (
      SELECT t.id FROM task t WHERE t.id = ANY (${[...taskIds]}::bigint[]) AND t.project_id = ${projectId} ORDER BY t.id FOR NO KEY UPDATE
    ), gone AS (
      DELETE FROM prediction r USING held t WHERE r.task_id = t.id RETURNING r.task_id
    ), counted AS (
      UPDATE task t SET total_predictions = t.total_predictions - n.n
      FROM (SELECT g.task_id, count(*)::int AS n FROM gone g GROUP BY 1) n WHERE t.id = n.task_id
    )
    SELECT count(*) AS removed FROM gone`;
  return toSafeId(row?.removed ?? 0);
}
