import type { ApiDeps } from "../../deps.ts";
import type { Permission } from "../../permissions.ts";

/** What an action is given. */
export interface ActionRequest {
  readonly organizationId: number;
  readonly projectId: number;
  readonly taskIds: readonly number[];
  readonly actorId: number;
  /** Only annotations of this person (`delete_tasks_annotations`). */
  readonly annotatorId: number | undefined;
  /** Only predictions of this version (`predictions_to_annotations`). */
  readonly modelVersion: string | undefined;
}

/** What an action came to. */
export interface ActionOutcome {
  readonly processed: number;
  readonly detail: string;
  readonly targetIds: readonly number[];
}

/** What actions need. */
export type ActionDeps = Pick<ApiDeps, "bulkActions" | "tasks">;

/** One action of the data manager, as `GET /api/dm/actions` lists it and as it is done. */
export interface Action {
  readonly id: string;
  readonly title: string;
  /** Ascending in menus. */
  readonly order: number;
  /** Needed beside `actions.perform`. */
  readonly permission: Permission;
  readonly question: string;
  /** Its tasks may be gone afterwards: whoever shows them reads them again. */
  readonly reload: boolean;
  perform(deps: ActionDeps, request: ActionRequest): Promise<ActionOutcome>;
}

/** Every action, in the order of menus. */
export const ACTIONS: readonly Action[] = [
  {
    id: "remove_duplicates",
    title: "Remove Duplicated Tasks",
    order: 1,
    permission: "tasks.delete",
    question:
      "Of tasks with equal data one stays and gets the annotations of the others, which are deleted. Please confirm your action.",
    reload: true,
    perform: async ({ bulkActions }, request) =>
      toOutcome(await bulkActions.removeDuplicates(request), "Removed", "tasks"),
  },
  {
    id: "retrieve_tasks_predictions",
    title: "Retrieve Predictions",
    order: 90,
    permission: "predictions.any",
    question:
      "Ask the connected models for predictions of the selected tasks. Please confirm your action.",
    reload: false,
    // No models can be connected, so there is nobody to ask; the contract counts the tasks all the same.
    perform: (_deps, { taskIds }) =>
      Promise.resolve(
        toOutcome({ processed: taskIds.length, targetIds: [] }, "Retrieved", "predictions"),
      ),
  },
  {
    id: "predictions_to_annotations",
    title: "Create Annotations From Predictions",
    order: 91,
    permission: "annotations.create",
    question:
      "Make annotations of the predictions of the selected tasks. Please confirm your action.",
    reload: false,
    perform: async ({ bulkActions }, request) =>
      toOutcome(await bulkActions.acceptPredictions(request), "Created", "annotations"),
  },
  {
    id: "delete_tasks",
    title: "Delete Tasks",
    order: 100,
    permission: "tasks.delete",
    question: "You are going to delete the selected tasks. Please confirm your action.",
    reload: true,
    perform: async ({ tasks }, { organizationId, projectId, taskIds }) => {
      const { deleted, targetIds } = await tasks.remove(organizationId, projectId, taskIds);
      return toOutcome({ processed: deleted, targetIds }, "Deleted", "tasks");
    },
  },
  {
    id: "delete_tasks_annotations",
    title: "Delete Annotations",
    order: 101,
    permission: "annotations.delete",
    question:
      "You are going to delete all annotations of the selected tasks. Please confirm your action.",
    reload: false,
    perform: async ({ bulkActions }, { annotatorId, ...selection }) =>
      toOutcome(
        await bulkActions.deleteAnnotations({ ...selection, completedById: annotatorId }),
        "Deleted",
        "annotations",
      ),
  },
  {
    id: "delete_ground_truths",
    title: "Delete Ground Truths",
    order: 102,
    permission: "annotations.delete",
    question:
      "You are going to delete the ground truths of the selected tasks. Please confirm your action.",
    reload: false,
    perform: async ({ bulkActions }, request) =>
      toOutcome(await bulkActions.deleteGroundTruths(request), "Deleted", "ground truths"),
  },
  {
    id: "delete_tasks_predictions",
    title: "Delete Predictions",
    order: 103,
    permission: "predictions.any",
    question:
      "You are going to delete all predictions of the selected tasks. Please confirm your action.",
    reload: false,
    perform: async ({ bulkActions }, request) =>
      toOutcome(await bulkActions.deletePredictions(request), "Deleted", "predictions"),
  },
];

function toOutcome(
  { processed, targetIds }: Pick<ActionOutcome, "processed" | "targetIds">,
  verb: string,
  things: string,
): ActionOutcome {
  return { processed, targetIds, detail: `${verb} ${String(processed)} ${things}` };
}
