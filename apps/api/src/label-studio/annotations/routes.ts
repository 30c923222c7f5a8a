import type { FastifyInstance } from "fastify";
import type { Permission } from "../../permissions.ts";
import {
  createAnnotation,
  getAnnotation,
  listAnnotations,
  removeAnnotation,
  updateAnnotation,
  type AnnotationDeps,
} from "./handlers.ts";

/** Annotations, by themselves and as part of a task. Every save and deletion is wished for by the targets of the project. */
export function registerAnnotationRoutes(app: FastifyInstance, deps: AnnotationDeps): void {
  const needs = (permission: Permission) => ({
    config: { permission },
    schema: { tags: ["annotations"] },
  });
  const path = "/api/annotations/:id/";
  app.get("/api/tasks/:id/annotations/", needs("annotations.view"), (request) =>
    listAnnotations(deps, request),
  );
  app.post("/api/tasks/:id/annotations/", needs("annotations.create"), (request, reply) =>
    createAnnotation(deps, request, reply),
  );
  app.get(path, needs("annotations.view"), (request) => getAnnotation(deps, request));
  app.patch(path, needs("annotations.change"), (request) => updateAnnotation(deps, request));
  app.put(path, needs("annotations.change"), (request) => updateAnnotation(deps, request));
  app.delete(path, needs("annotations.delete"), (request, reply) =>
    removeAnnotation(deps, request, reply),
  );
}
