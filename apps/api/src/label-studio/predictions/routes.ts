import type { FastifyInstance } from "fastify";
import {
  createPrediction,
  getPrediction,
  listPredictions,
  removePrediction,
  updatePrediction,
  type PredictionDeps,
} from "./handlers.ts";
import { importPredictions } from "./import.ts";

/** Predictions: what models say about tasks. */
export function registerPredictionRoutes(app: FastifyInstance, deps: PredictionDeps): void {
  const options = {
    config: { permission: "predictions.any" as const },
    schema: { tags: ["predictions"] },
  };
  const path = "/api/predictions/:id/";
  app.get("/api/predictions/", options, (request) => listPredictions(deps, request));
  app.post("/api/predictions/", options, (request, reply) =>
    createPrediction(deps, request, reply),
  );
  app.get(path, options, (request) => getPrediction(deps, request));
  app.patch(path, options, (request) => updatePrediction(deps, request));
  app.put(path, options, (request) => updatePrediction(deps, request));
  app.delete(path, options, (request, reply) => removePrediction(deps, request, reply));
  app.post("/api/projects/:id/import/predictions", options, (request, reply) =>
    importPredictions(deps, request, reply),
  );
}
