import { AppError, COUNTER_SLOTS, isAppError, toSafeId } from "@bucketbridge/core";
import type { Database } from "../client.ts";
import { namesConstraint } from "../database-errors.ts";
import type { InnerIds } from "../import/inner-ids.ts";
import type { TaskDocument } from "../import/records.ts";
import { loadStatements, runStatement } from "../statements.ts";
import { insertEmbedded, toTaskColumns } from "./embedded.ts";

/** Tasks that do not come from a storage. */
export interface TasksToCreate {
  readonly organizationId: number;
  readonly projectId: number;
  readonly documents: readonly TaskDocument[];
  readonly updatedById: number | null;
}

/**
 * Makes tasks with the annotations and predictions of their documents, in one transaction; the project's number of tasks follows.
 * Returns the ids in the order of the documents; undefined: no such project in the organisation. An external id that the project has
 * already is `already_exists` / `task.external_id`.
 */
export async function createTasks(
  deps: { readonly database: Database; readonly innerIds: InnerIds },
  { organizationId, projectId, documents, updatedById }: TasksToCreate,
): Promise<readonly number[] | undefined> {
  const statements = loadStatements();
  const isThere = await deps.database.inOrganization(organizationId, (tx) =>
    tx.project.findFirst({ where: { id: projectId, deletedAt: null }, select: { id: true } }),
  );
  if (isThere === null) return undefined;
  const ids = await deps.innerIds.reserveAll({ organizationId, projectId }, documents.length);
  const columns = toTaskColumns(documents);
  const created = deps.database.inOrganization(
    organizationId,
    async (tx) => {
      const [row] = await runStatement<{ task_ids: bigint[] }>(tx, statements["tasks-insert"], [
        projectId,
        columns.data,
        columns.meta,
        columns.allowSkip,
        columns.annotations,
        columns.canceled,
        columns.predictions,
        ids.base,
        projectId % COUNTER_SLOTS,
        updatedById,
        columns.externalIds,
        columns.uploadIds,
      ]);
      if (row === undefined) return undefined;
      const made = row.task_ids.flatMap((taskId, position) => {
        const document = documents[position];
        return document === undefined ? [] : [{ taskId, document }];
      });
      await insertEmbedded(tx, statements, made, null);
      return row.task_ids.map(toSafeId);
    },
    { op: "db.tasks.create" },
  );
  return created.catch((error: unknown) => {
    throw toCreateError(error);
  });
}

function toCreateError(error: unknown): unknown {
  if (!isAppError(error, "already_exists") || !namesConstraint(error, "task_external_id"))
    return error;
  return new AppError({
    code: "already_exists",
    reason: "task.external_id",
    op: "db.tasks.create",
    message: "the project has a task of this external id already",
    cause: error,
  });
}
