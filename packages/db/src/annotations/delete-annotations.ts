import type { Database, Transaction } from "../client.ts";
import { loadStatements, runStatement, type Statements } from "../statements.ts";

/** Which annotations of a project to delete. */
export interface AnnotationsToDelete {
  readonly organizationId: number;
  readonly projectId: number;
  /** By their own ids, or all of some tasks. Those of other projects are left alone. At most some thousands. */
  readonly of:
    { readonly annotationIds: readonly number[] } | { readonly taskIds: readonly number[] };
}

/** What was deleted, and the targets that have something to do because of it: ring for them. */
export interface AnnotationsDeleted {
  readonly deleted: number;
  readonly targetIds: readonly number[];
}

/** Deletes annotations through the one statement that writes the wishes of targets. Their drafts go with them. */
export async function deleteAnnotations(
  database: Database,
  { organizationId, projectId, of }: AnnotationsToDelete,
  statements: Statements = loadStatements(),
): Promise<AnnotationsDeleted> {
  return database.inOrganization(
    organizationId,
    async (tx) => {
      await runStatement(tx, statements["project-hold"], [projectId]);
      const ids =
        "annotationIds" in of
          ? await ofProject(tx, "annotation", projectId, of.annotationIds)
          : await ofProject(tx, "task", projectId, of.taskIds);
      return "annotationIds" in of
        ? removeAnnotations(tx, statements, { annotationIds: ids, taskIds: null })
        : removeAnnotations(tx, statements, { annotationIds: null, taskIds: ids });
    },
    { op: "db.annotations.delete" },
  );
}

/** The deletion itself, in a transaction whose first statement was project-hold. */
export async function removeAnnotations(
  tx: Transaction,
  statements: Statements,
  of: {
    readonly annotationIds: readonly bigint[] | null;
    readonly taskIds: readonly bigint[] | null;
  },
): Promise<AnnotationsDeleted> {
  if ((of.annotationIds ?? of.taskIds ?? []).length === 0) return { deleted: 0, targetIds: [] };
  const [row] = await runStatement<{ deleted: number; targets: readonly number[] }>(
    tx,
    statements["annotations-delete"],
    [of.annotationIds, of.taskIds],
  );
  return { deleted: row?.deleted ?? 0, targetIds: row?.targets ?? [] };
}

async function ofProject(
  tx: Transaction,
  table: "annotation" | "task",
  projectId: number,
  ids: readonly number[],
): Promise<readonly bigint[]> {
  const wanted = [...ids];
  const rows =
    table === "annotation"
      ? await tx.$queryRaw<{ id: bigint }[]>`
          SELECT id FROM annotation WHERE id = ANY (${wanted}::bigint[]) AND project_id = ${projectId}`
      : await tx.$queryRaw<{ id: bigint }[]>`
          SELECT id FROM task WHERE id = ANY (${wanted}::bigint[]) AND project_id = ${projectId}`;
  return rows.map(({ id }) => id);
}
