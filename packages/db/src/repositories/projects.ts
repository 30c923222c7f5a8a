import type { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";
import { countProjects, type ProjectCounts } from "./project-counts.ts";
import { loadStatements, runStatement, type Statements } from "../statements.ts";

/** Who made a project; undefined once the person has left the organisation. */
export interface ProjectCreator {
  readonly userId: number;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
}

/** A project that is not deleted. */
export interface ProjectRecord {
  readonly id: number;
  readonly organizationId: number;
  readonly createdBy: ProjectCreator | undefined;
  readonly title: string;
  readonly description: string | null;
  readonly labelConfig: string;
  /** What the key `$undefined$` of task data reads as; null where the label config names none. */
  readonly dataKey: string | null;
  readonly maximumAnnotations: number;
  /** The other settings of the contract by their wire names. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a caller may write; absent fields take their defaults or stay as they are. */
export interface ProjectFields {
  readonly title?: string | undefined;
  readonly description?: string | null | undefined;
  readonly labelConfig?: string | undefined;
  readonly dataKey?: string | null | undefined;
  readonly maximumAnnotations?: number | undefined;
  /** Merged over the stored ones by key. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
}

/** Columns that a list of projects can be ordered by. */
export const PROJECT_ORDERS = ["id", "title", "createdAt", "updatedAt"] as const;

/** Which projects, in which order. */
export interface ProjectQuery {
  readonly ids?: readonly number[] | undefined;
  /** Only these are there for the caller; absent: all of the organisation. */
  readonly visibleIds?: readonly number[] | undefined;
  /** Part of the title, in any case. */
  readonly title?: string | undefined;
  readonly orderBy: (typeof PROJECT_ORDERS)[number];
  readonly descending: boolean;
  readonly limit: number;
  readonly offset: number;
}

/** Projects of an organisation; deleted ones are not there. */
export interface ProjectRepository {
  list(
    organizationId: number,
    query: ProjectQuery,
  ): Promise<{ readonly total: number; readonly projects: readonly ProjectRecord[] }>;
  find(organizationId: number, projectId: number): Promise<ProjectRecord | undefined>;
  create(
    organizationId: number,
    createdById: number,
    fields: ProjectFields,
  ): Promise<ProjectRecord>;
  /** Undefined when there is no such project. */
  update(
    organizationId: number,
    projectId: number,
    fields: ProjectFields,
  ): Promise<ProjectRecord | undefined>;
  /**
   * Hides the project and its storages at once and ends their runs; a job removes the rows later. What lies in the
   * buckets stays. False when there is no such project.
   */
  remove(organizationId: number, projectId: number): Promise<boolean>;
  /** Counts of each of the projects; a project without an entry in the map does not exist. */
  count(
    organizationId: number,
    projectIds: readonly number[],
  ): Promise<ReadonlyMap<number, ProjectCounts>>;
}

const INCLUDE = { createdBy: true } as const;

type ProjectRow = Prisma.ProjectGetPayload<{ include: typeof INCLUDE }>;

/** Repository over `database`. */
export function createProjectRepository(
  database: Database,
  statements: Statements = loadStatements(),
): ProjectRepository {
  const op = { op: "db.projects" };
  return {
    list: (organizationId, query) =>
      database.inOrganization(organizationId, (tx) => listProjects(tx, query), op),
    find: (organizationId, projectId) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const row = await tx.project.findFirst({ where: alive(projectId), include: INCLUDE });
          return row === null ? undefined : toRecord(row);
        },
        op,
      ),
    create: (organizationId, createdById, fields) =>
      database.inOrganization(
        organizationId,
        (tx) => createProject(tx, { organizationId, createdById }, fields),
        op,
      ),
    update: (organizationId, projectId, fields) =>
      database.inOrganization(organizationId, (tx) => updateProject(tx, projectId, fields), op),
    remove: (organizationId, projectId) =>
      database.inOrganization(organizationId, (tx) => removeProject(tx, statements, projectId), op),
    count: (organizationId, projectIds) =>
      database.inOrganization(organizationId, (tx) => countProjects(tx, projectIds), op),
  };
}

function alive(projectId: number): Prisma.ProjectWhereInput {
  return { id: projectId, deletedAt: null };
}

async function listProjects(
  tx: Transaction,
  query: ProjectQuery,
): Promise<{ total: number; projects: ProjectRecord[] }> {
  const where: Prisma.ProjectWhereInput = {
    deletedAt: null,
    AND: [query.ids, query.visibleIds].flatMap((ids) =>
      ids === undefined ? [] : [{ id: { in: [...ids] } }],
    ),
    ...(query.title === undefined ? {} : { title: { contains: query.title, mode: "insensitive" } }),
  };
  const direction = query.descending ? "desc" : "asc";
  const total = await tx.project.count({ where });
  const rows = await tx.project.findMany({
    where,
    include: INCLUDE,
    // The id keeps pages apart where the other column repeats.
    orderBy: [{ [query.orderBy]: direction }, { id: direction }],
    take: query.limit,
    skip: query.offset,
  });
  return { total, projects: rows.map(toRecord) };
}

async function createProject(
  tx: Transaction,
  parents: { readonly organizationId: number; readonly createdById: number },
  fields: ProjectFields,
): Promise<ProjectRecord> {
  const row = await tx.project.create({
    data: { ...parents, ...toColumns(fields), settings: toJson(fields.settings ?? {}) },
    include: INCLUDE,
  });
  await tx.projectCounter.create({
    data: { projectId: row.id, organizationId: parents.organizationId },
  });
  return toRecord(row);
}

async function updateProject(
  tx: Transaction,
  projectId: number,
  fields: ProjectFields,
): Promise<ProjectRecord | undefined> {
  // First, so that the row is locked: two writers of different settings do not undo each other.
  const found = await tx.$executeRaw`
    UPDATE project SET updated_at = now() WHERE id = ${projectId} AND deleted_at IS NULL`;
  if (found === 0) return undefined;
  const known = await tx.project.findUniqueOrThrow({
    where: { id: projectId },
    select: { settings: true },
  });
  const settings = { ...(known.settings as Record<string, unknown>), ...fields.settings };
  const row = await tx.project.update({
    where: { id: projectId },
    data: { ...toColumns(fields), settings: toJson(settings) },
    include: INCLUDE,
  });
  return toRecord(row);
}

async function removeProject(
  tx: Transaction,
  statements: Statements,
  projectId: number,
): Promise<boolean> {
  const removed = await tx.$executeRaw`
    UPDATE project SET deleted_at = now() WHERE id = ${projectId} AND deleted_at IS NULL`;
  if (removed === 0) return false;
  const storages = await tx.storage.findMany({
    where: { projectId, deletedAt: null },
    select: { id: true },
    orderBy: { id: "asc" },
  });
  for (const { id } of storages) {
    await runStatement(tx, statements["storage-lock"], [id]);
    await runStatement(tx, statements["storage-deleted"], [id]);
  }
  return true;
}

function toColumns(fields: ProjectFields): {
  title?: string;
  description?: string | null;
  labelConfig?: string;
  dataKey?: string | null;
  maximumAnnotations?: number;
} {
  const { title, description, labelConfig, dataKey, maximumAnnotations } = fields;
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(labelConfig === undefined ? {} : { labelConfig }),
    ...(dataKey === undefined ? {} : { dataKey }),
    ...(maximumAnnotations === undefined ? {} : { maximumAnnotations }),
  };
}

/** Settings are JSON: they came from a request. */
function toJson(settings: Readonly<Record<string, unknown>>): Prisma.InputJsonObject {
  return settings as Prisma.InputJsonObject;
}

function toRecord(row: ProjectRow): ProjectRecord {
  const { createdBy, settings } = row;
  return {
    id: row.id,
    organizationId: row.organizationId,
    title: row.title,
    description: row.description,
    labelConfig: row.labelConfig,
    dataKey: row.dataKey,
    maximumAnnotations: row.maximumAnnotations,
    settings: settings as Record<string, unknown>,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    createdBy: createdBy === null ? undefined : toCreator(createdBy),
  };
}

function toCreator(user: NonNullable<ProjectRow["createdBy"]>): ProjectCreator {
  const { id: userId, email, firstName, lastName } = user;
  return { userId, email, firstName, lastName };
}
