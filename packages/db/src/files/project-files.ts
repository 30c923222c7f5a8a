import type { Database } from "../client.ts";

/** Files of projects that were deleted. Their rows keep the project from being purged until the bytes are gone. */
export interface ProjectFiles {
  /** Ids of deleted projects that have files, at most `limit`. */
  listDeleted(limit: number): Promise<readonly number[]>;
  /** Drops the rows of a deleted project's files, whose bytes are gone. */
  forget(projectId: number): Promise<void>;
}

/** Over all organisations. */
export function createProjectFiles(database: Database): ProjectFiles {
  const op = { op: "db.project_files" };
  return {
    listDeleted: (limit) =>
      database.inMaintenance(async (tx) => {
        const rows = await tx.$queryRaw<{ id: number }[]>`
          SELECT p.id FROM project p
          WHERE p.deleted_at IS NOT NULL
            AND (EXISTS (SELECT FROM upload u WHERE u.project_id = p.id)
              OR EXISTS (SELECT FROM export_snapshot s WHERE s.project_id = p.id))
          ORDER BY p.id LIMIT ${limit}`;
        return rows.map(({ id }) => id);
      }, op),
    forget: (projectId) =>
      database.inMaintenance(async (tx) => {
        const where = { projectId, project: { deletedAt: { not: null } } };
        await tx.upload.deleteMany({ where });
        await tx.exportSnapshot.deleteMany({ where });
      }, op),
  };
}
