import { toSafeId } from "@bucketbridge/core";
import type { Database, Transaction } from "../client.ts";
import { toStorageRecord, type StorageRecord } from "./storages.ts";

/** What serving the media of a project takes. */
export interface ProjectMedia {
  readonly projectId: number;
  /** The project's sources, in the order of their ids. */
  readonly sources: readonly StorageRecord[];
  /** Longest life of a signed URL that the organisation allows; null: no ceiling of its own. */
  readonly presignTtlCeilingMinutes: number | null;
}

/** What serving the media of one task takes. */
export interface TaskMedia extends ProjectMedia {
  readonly data: unknown;
  /** The source that the task came from; null for other tasks and once it is gone. */
  readonly ownStorageId: number | null;
}

/** What media are served from. Tasks and projects that are deleted are not there. */
export interface MediaRepository {
  findTask(organizationId: number, taskId: number): Promise<TaskMedia | undefined>;
  findProject(organizationId: number, projectId: number): Promise<ProjectMedia | undefined>;
}

/** Repository over `database`. */
export function createMediaRepository(database: Database): MediaRepository {
  const op = { op: "db.media" };
  return {
    findTask: (organizationId, taskId) =>
      database.inOrganization(organizationId, (tx) => findTask(tx, taskId), op),
    findProject: (organizationId, projectId) =>
      database.inOrganization(organizationId, (tx) => findProject(tx, projectId), op),
  };
}

interface TaskRow {
  readonly projectId: number;
  readonly data: unknown;
  readonly ownStorageId: number | null;
}

async function findTask(tx: Transaction, taskId: number): Promise<TaskMedia | undefined> {
  const [task] = await tx.$queryRaw<TaskRow[]>`
    SELECT t.project_id AS "projectId", t.data, o.storage_id AS "ownStorageId"
    FROM task t LEFT JOIN source_object o ON o.id = t.source_object_id
    WHERE t.id = ${toSafeId(taskId)}::bigint`;
  if (task === undefined) return undefined;
  const project = await findProject(tx, task.projectId);
  return project === undefined ? undefined : { ...task, ...project };
}

async function findProject(tx: Transaction, projectId: number): Promise<ProjectMedia | undefined> {
  const project = await tx.project.findFirst({
    where: { id: projectId, deletedAt: null },
    select: {
      organization: { select: { presignTtlCeilingMinutes: true } },
      storages: {
        where: { direction: "source", deletedAt: null },
        orderBy: { id: "asc" },
      },
    },
  });
  if (project === null) return undefined;
  return {
    projectId,
    sources: project.storages.map(toStorageRecord),
    presignTtlCeilingMinutes: project.organization.presignTtlCeilingMinutes,
  };
}
