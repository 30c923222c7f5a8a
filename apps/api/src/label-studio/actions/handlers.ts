import type { ProjectRecord } from "@bucketbridge/db";
import type { FastifyRequest } from "fastify";
import { ApiError, badRequest, forbidden, notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { isAllowed } from "../../permissions.ts";
import type { TargetBell } from "../../targets/target-bell.ts";
import { bodyOf, FieldReader } from "../fields.ts";
import { queryValue, toIntId } from "../query.ts";
import { ACTIONS, type Action, type ActionDeps } from "./catalog.ts";
import { readSelection } from "./selection.ts";

/** What handlers of actions need. */
export type ActionHandlerDeps = ActionDeps &
  Pick<ApiDeps, "projects"> & { readonly targetBell: Pick<TargetBell, "ring"> };

type View = Record<string, unknown>;

const MAX_INT = 2 ** 31 - 1;

/** `GET /api/dm/actions`: what the caller may do with tasks of the project. */
export async function listActions(
  { projects }: Pick<ActionHandlerDeps, "projects">,
  request: FastifyRequest,
): Promise<View[]> {
  await findProject(projects, request);
  const { role } = identityOf(request);
  return ACTIONS.filter(({ permission }) => isAllowed(role, permission)).map(toView);
}

/** `POST /api/dm/actions?id=…&project=…`. Without a selection an action is done to every task of the project. */
export async function performAction(
  deps: ActionHandlerDeps,
  request: FastifyRequest,
): Promise<View> {
  const { organizationId, userId, role } = identityOf(request);
  const project = await findProject(deps.projects, request);
  const action = readAction(request);
  if (!isAllowed(role, action.permission)) throw forbidden();
  if (queryValue(request, "view") !== undefined) throw notFound("View");
  const options = readOptions(request);
  const { id: projectId, dataKey } = project;
  const filter = readSelection(request);
  const taskIds = await deps.tasks.listIds(organizationId, { projectId, dataKey, filter });
  const { processed, detail, targetIds } = await action.perform(deps, {
    organizationId,
    projectId,
    taskIds,
    actorId: userId,
    ...options,
  });
  deps.targetBell.ring(organizationId, targetIds);
  return { processed_items: processed, detail, ...(action.reload ? { reload: true } : {}) };
}

function toView({ id, title, order, permission, question }: Action): View {
  return { id, title, order, permission, dialog: { title, text: question, type: "confirm" } };
}

/** An unknown action is the contract's sentence with 400: its 500 would make the SDK ask twice more. */
function readAction(request: FastifyRequest): Action {
  const id = queryValue(request, "id");
  if (id === undefined || id === "") {
    const detail = `No action id "${id ?? "None"}", use ?id=<action-id>`;
    throw new ApiError({ status: 422, code: "invalid_input", detail, body: { detail } });
  }
  const action = ACTIONS.find((candidate) => candidate.id === id);
  if (action === undefined) throw badRequest(`Can't find '${id}' in registered actions`);
  return action;
}

function readOptions(request: FastifyRequest): {
  readonly annotatorId: number | undefined;
  readonly modelVersion: string | undefined;
} {
  const fields = new FieldReader(bodyOf(request));
  const annotatorId = fields.integer("annotator", { max: MAX_INT }) ?? undefined;
  const modelVersion = fields.text("model_version") ?? undefined;
  fields.finish();
  return { annotatorId, modelVersion };
}

async function findProject(
  projects: ActionHandlerDeps["projects"],
  request: FastifyRequest,
): Promise<ProjectRecord> {
  const projectId = toIntId(queryValue(request, "project"));
  const project =
    projectId === undefined
      ? undefined
      : await projects.find(identityOf(request).organizationId, projectId);
  if (project === undefined) throw notFound("Project");
  return project;
}
