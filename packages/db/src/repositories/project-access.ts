import type { Database, Transaction } from "../client.ts";
import { Prisma } from "../../generated/prisma/client.ts";

/** What lies in a project. */
export type ProjectPart = "project" | "task" | "annotation" | "draft";

/** Which people may see which projects, where their role alone does not say so. */
export interface ProjectAccessRepository {
  /**
   * True when the row is there, its project is not deleted and the person is a member of that project. Of drafts only the person's
   * own count.
   */
  isMember(
    organizationId: number,
    userId: number,
    part: { readonly kind: ProjectPart; readonly id: number },
  ): Promise<boolean>;
  /** The projects that the person is a member of, ascending. */
  listProjectIds(organizationId: number, userId: number): Promise<readonly number[]>;
  /** Adds a member of the organisation to a project; false when either is not there. Once more changes nothing. */
  add(organizationId: number, projectId: number, userId: number): Promise<boolean>;
  /** False when the person was no member of the project. */
  remove(organizationId: number, projectId: number, userId: number): Promise<boolean>;
  /** Ids of the people who are members of the project, ascending. */
  listUserIds(organizationId: number, projectId: number): Promise<readonly number[]>;
}

/** The project of a row, by its kind. */
const PROJECT_OF: Readonly<Record<ProjectPart, (id: number, userId: number) => Prisma.Sql>> = {
  project: (id) => Prisma.sql`${id}::int`,
  task: (id) => Prisma.sql`(SELECT t.project_id FROM task t WHERE t.id = ${id}::bigint)`,
  annotation: (id) =>
    Prisma.sql`(SELECT a.project_id FROM annotation a WHERE a.id = ${id}::bigint)`,
  draft: (id, userId) =>
    Prisma.sql`(SELECT d.project_id FROM draft d WHERE d.id = ${id}::bigint AND d.user_id = ${userId})`,
};

/** Repository over `database`. */
export function createProjectAccessRepository(database: Database): ProjectAccessRepository {
  const run = <T>(organizationId: number, work: (tx: Transaction) => Promise<T>): Promise<T> =>
    database.inOrganization(organizationId, work, { op: "db.project-access" });
  return {
    isMember: (organizationId, userId, part) =>
      run(organizationId, (tx) => isMember(tx, userId, part)),
    listProjectIds: (organizationId, userId) =>
      run(organizationId, async (tx) => {
        const rows = await tx.projectMember.findMany({
          where: { userId, project: { deletedAt: null } },
          select: { projectId: true },
          orderBy: { projectId: "asc" },
        });
        return rows.map(({ projectId }) => projectId);
      }),
    add: (organizationId, projectId, userId) =>
      run(organizationId, (tx) => addMember(tx, projectId, userId)),
    remove: (organizationId, projectId, userId) =>
      run(organizationId, async (tx) => {
        const { count } = await tx.projectMember.deleteMany({ where: { projectId, userId } });
        return count > 0;
      }),
    listUserIds: (organizationId, projectId) =>
      run(organizationId, async (tx) => {
        const rows = await tx.projectMember.findMany({
          where: { projectId },
          select: { userId: true },
          orderBy: { userId: "asc" },
        });
        return rows.map(({ userId }) => userId);
      }),
  };
}

async function isMember(
  tx: Transaction,
  userId: number,
  { kind, id }: { readonly kind: ProjectPart; readonly id: number },
): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM project_member m JOIN project p ON p.id = m.project_id AND p.deleted_at IS NULL
    WHERE m.user_id = ${userId} AND m.project_id = ${PROJECT_OF[kind](id, userId)}`;
  return rows.length > 0;
}

async function addMember(tx: Transaction, projectId: number, userId: number): Promise<boolean> {
  const added = await tx.$executeRaw`
    INSERT INTO project_member (organization_id, project_id, user_id)
    SELECT p.organization_id, p.id, m.user_id FROM project p
    JOIN membership m ON m.organization_id = p.organization_id AND m.user_id = ${userId}
    WHERE p.id = ${projectId} AND p.deleted_at IS NULL
    ON CONFLICT (project_id, user_id) DO UPDATE SET created_at = project_member.created_at`;
  return added > 0;
}
