import type { NewPrediction } from "@bucketbridge/db";
import type { FastifyReply, FastifyRequest } from "fastify";
import { nonFieldError } from "../../api-error.ts";
import { identityOf } from "../../identity.ts";
import { isFields, pythonTypeOf } from "../fields.ts";
import { toBigId } from "../query.ts";
import { findProject } from "../tasks/reading.ts";
import { readPredictionFields } from "./fields.ts";
import type { PredictionDeps } from "./handlers.ts";

/** A prediction without one gets this version, as in an import of tasks. */
const NO_VERSION = "undefined";

/** `POST /api/projects/{id}/import/predictions`: a list, all of it or nothing. */
export async function importPredictions(
  deps: PredictionDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { organizationId } = identityOf(request);
  const project = await findProject(deps, request);
  const body: unknown = request.body;
  if (!Array.isArray(body))
    throw nonFieldError(
      `Invalid data. Expected a list of predictions, but got ${pythonTypeOf(body ?? null)}.`,
    );
  const items: readonly unknown[] = body;
  const predictions = items.map((item) => toNewPrediction(item, project.labelConfig));
  const projectId = project.id;
  const outcome = await deps.predictionImport({ organizationId, projectId, predictions });
  if ("missingTaskId" in outcome) throw unknownTask(outcome.missingTaskId);
  return reply.code(201).send({ created: outcome.created });
}

function toNewPrediction(item: unknown, labelConfig: string): NewPrediction {
  if (!isFields(item)) throw nonFieldError("Prediction must be dict");
  const { task } = item;
  const taskId = typeof task === "number" || typeof task === "string" ? String(task) : "";
  const id = toBigId(taskId);
  if (id === undefined) throw unknownTask(taskId);
  const { resultJson, score, modelVersion } = readPredictionFields(item, labelConfig);
  if (resultJson === undefined || resultJson === null)
    throw nonFieldError('prediction must have "result" field');
  return {
    taskId: id,
    resultJson,
    score: score ?? null,
    modelVersion: modelVersion === undefined || modelVersion === "" ? NO_VERSION : modelVersion,
  };
}

function unknownTask(id: number | string): Error {
  return nonFieldError(
    `A prediction refers to task "${String(id)}", which this project does not have`,
  );
}
