import type { PredictionRecord, ProjectRecord } from "@bucketbridge/db";
import type { FastifyReply, FastifyRequest } from "fastify";
import { notFound, validationError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { bodyOf, FieldReader, type RawFields } from "../fields.ts";
import { pathId, queryValue, toBigId, toIntId } from "../query.ts";
import { toPredictionView } from "../tasks/annotation-view.ts";
import { readPredictionFields } from "./fields.ts";

/** What handlers of predictions need. */
export type PredictionDeps = Pick<
  ApiDeps,
  "clock" | "predictionImport" | "predictions" | "projects" | "tasks"
>;

type View = Record<string, unknown>;

/** The contract has no bound; the answer is held in memory. */
const MAX_LISTED = 10_000;

/** `GET /api/predictions/` with `task` or `project`; of both only what fits both. Without either there is nothing to list. */
export async function listPredictions(
  { predictions, clock }: PredictionDeps,
  request: FastifyRequest,
): Promise<View[]> {
  const { organizationId } = identityOf(request);
  const taskText = queryValue(request, "task");
  const projectText = queryValue(request, "project") ?? queryValue(request, "task__project");
  const taskId = toBigId(taskText);
  const projectId = toIntId(projectText);
  if (taskId === undefined && projectId === undefined) return [];
  if (isUnreadable(taskText, taskId) || isUnreadable(projectText, projectId)) return [];
  const filter = { taskId, projectId, limit: MAX_LISTED };
  const found = await predictions.list(organizationId, filter);
  const nowMs = clock.now();
  return found.map((prediction) => toPredictionView(prediction, nowMs));
}

/** `POST /api/predictions/`: the task stands in the body. */
export async function createPrediction(
  deps: PredictionDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { organizationId } = identityOf(request);
  const body = bodyOf(request);
  const { taskId, project } = await findTaskOfBody(deps, request, body);
  const changes = readPredictionFields(body, project.labelConfig);
  if (changes.resultJson === undefined)
    throw validationError({ result: ["This field is required."] });
  const prediction = await deps.predictions.create(organizationId, taskId, changes);
  if (prediction === undefined) throw noTask(taskId);
  return reply.code(201).send(toPredictionView(prediction, deps.clock.now()));
}

/** `GET /api/predictions/{id}/`. */
export async function getPrediction(deps: PredictionDeps, request: FastifyRequest): Promise<View> {
  const { prediction } = await findPrediction(deps, request);
  return toPredictionView(prediction, deps.clock.now());
}

/** `PATCH` and `PUT /api/predictions/{id}/`. */
export async function updatePrediction(
  deps: PredictionDeps,
  request: FastifyRequest,
): Promise<View> {
  const { organizationId } = identityOf(request);
  const { prediction, project } = await findPrediction(deps, request);
  const changes = readPredictionFields(bodyOf(request), project.labelConfig);
  const updated = await deps.predictions.update(organizationId, prediction.id, changes);
  if (updated === undefined) throw notFound("Prediction");
  return toPredictionView(updated, deps.clock.now());
}

/** `DELETE /api/predictions/{id}/`. */
export async function removePrediction(
  deps: PredictionDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { prediction } = await findPrediction(deps, request);
  const { organizationId } = identityOf(request);
  if (!(await deps.predictions.remove(organizationId, prediction.id))) throw notFound("Prediction");
  return reply.code(204).send();
}

async function findPrediction(
  { predictions, projects }: PredictionDeps,
  request: FastifyRequest,
): Promise<{ prediction: PredictionRecord; project: ProjectRecord }> {
  const { organizationId } = identityOf(request);
  const id = pathId(request, "Prediction", "bigint");
  const prediction = await predictions.find(organizationId, id);
  // That of a deleted project is not there any more.
  const project = prediction && (await projects.find(organizationId, prediction.projectId));
  if (prediction === undefined || project === undefined) throw notFound("Prediction");
  return { prediction, project };
}

async function findTaskOfBody(
  { tasks, projects }: PredictionDeps,
  request: FastifyRequest,
  body: RawFields,
): Promise<{ taskId: number; project: ProjectRecord }> {
  const { organizationId } = identityOf(request);
  const fields = new FieldReader(body);
  const taskId = fields.integer("task", { required: true }) ?? 0;
  fields.finish();
  const task = await tasks.find(organizationId, taskId);
  const project = task && (await projects.find(organizationId, task.projectId));
  if (task === undefined || project === undefined) throw noTask(taskId);
  return { taskId, project };
}

function noTask(taskId: number): Error {
  return validationError({ task: [`Invalid pk "${String(taskId)}" - object does not exist.`] });
}

function isUnreadable(text: string | undefined, id: number | undefined): boolean {
  return text !== undefined && text !== "" && id === undefined;
}
