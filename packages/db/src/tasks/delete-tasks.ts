import { COUNTER_SLOTS } from "@bucketbridge/core";
import type { Database } from "../client.ts";
import { loadStatements, runStatement, type Statements } from "../statements.ts";

/** Tasks of one project that a person deletes. */
export interface TasksToDelete {
  readonly organizationId: number;
  readonly projectId: number;
  /** Those of other projects are left alone. At most some thousands; larger lists in chunks. */
  readonly taskIds: readonly number[];
  /** False: tasks with annotations stay. True: their annotations go too, which writes delete wishes for the targets. */
  readonly withAnnotations: boolean;
}

/** What was deleted, and the targets that have something to do because of it: ring for them. */
export interface DeletedTasks {
  readonly deleted: number;
  readonly targetIds: readonly number[];
}

/**
 * Deletes tasks. They are locked first and deleted in a later statement: an annotation that is being saved meanwhile would
 * otherwise be destroyed. An object whose last task goes gets tasks again by the next sync.
 */
export async function deleteTasks(
  database: Database,
  { organizationId, projectId, taskIds, withAnnotations }: TasksToDelete,
  statements: Statements = loadStatements(),
): Promise<DeletedTasks> {
  return database.inOrganization(
    organizationId,
    async (tx) => {
      await runStatement(tx, statements["project-hold"], [projectId]);
      const locked = await runStatement<{ id: bigint }>(tx, statements["tasks-lock"], [
        taskIds,
        null,
        projectId,
      ]);
      const ids = locked.map(({ id }) => id);
      if (ids.length === 0) return { deleted: 0, targetIds: [] };
      const [wishes] = withAnnotations
        ? await runStatement<{ targets: number[] }>(tx, statements["annotations-delete"], [
            null,
            ids,
          ])
        : [];
      const [row] = await runStatement<{ deleted: number }>(tx, statements["tasks-delete"], [
        ids,
        projectId % COUNTER_SLOTS,
      ]);
      return { deleted: row?.deleted ?? 0, targetIds: wishes?.targets ?? [] };
    },
    { op: "db.tasks.delete" },
  );
}
