import { toSafeId } from "@bucketbridge/core";
import type { Database, Transaction } from "../client.ts";
import { loadStatements, runStatement } from "../statements.ts";
import type { StorageRecord } from "./storages.ts";

/** A source as far as serving its objects goes. */
export type MediaSource = Pick<
  StorageRecord,
  | "id"
  | "organizationId"
  | "projectId"
  | "direction"
  | "provider"
  | "settings"
  | "sealedSecrets"
  | "prefix"
  | "regexFilter"
  | "presign"
  | "presignTtl"
  | "restrictToPrefix"
  | "settingsVersion"
>;

/** What serving the media of a project takes. */
export interface ProjectMedia {
  readonly projectId: number;
  /** The project's sources, in the order of their ids. */
  readonly sources: readonly MediaSource[];
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

/** One row per source; without one, its columns are null. */
interface ProjectRow extends Omit<MediaSource, "id" | "projectId" | "direction" | "sealedSecrets"> {
  readonly projectId: number;
  readonly presignTtlCeilingMinutes: number | null;
  readonly id: number | null;
  readonly secrets: Uint8Array | null;
}

interface TaskRow extends ProjectRow {
  readonly data: unknown;
  readonly ownStorageId: number | null;
}

/** Each request for an object asks this. */
async function findTask(tx: Transaction, taskId: number): Promise<TaskMedia | undefined> {
  const text = loadStatements()["media-task"];
  const rows = await runStatement<TaskRow>(tx, text, [toSafeId(taskId)]);
  const [first] = rows;
  if (first === undefined) return undefined;
  return { ...toProject(first, rows), data: first.data, ownStorageId: first.ownStorageId };
}

async function findProject(tx: Transaction, projectId: number): Promise<ProjectMedia | undefined> {
  const text = loadStatements()["media-project"];
  const rows = await runStatement<ProjectRow>(tx, text, [projectId]);
  const [first] = rows;
  return first === undefined ? undefined : toProject(first, rows);
}

function toProject(first: ProjectRow, rows: readonly ProjectRow[]): ProjectMedia {
  const { projectId, presignTtlCeilingMinutes } = first;
  return { projectId, presignTtlCeilingMinutes, sources: rows.flatMap(toSource) };
}

function toSource({ id, secrets: sealedSecrets, ...row }: ProjectRow): MediaSource[] {
  if (id === null) return [];
  return [
    {
      id,
      direction: "source",
      sealedSecrets,
      organizationId: row.organizationId,
      projectId: row.projectId,
      provider: row.provider,
      settings: row.settings,
      prefix: row.prefix,
      regexFilter: row.regexFilter,
      presign: row.presign,
      presignTtl: row.presignTtl,
      restrictToPrefix: row.restrictToPrefix,
      settingsVersion: row.settingsVersion,
    },
  ];
}
