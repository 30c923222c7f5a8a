import type { ProjectPart } from "@bucketbridge/db";
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
  const needs = (permission: Permission, within: ProjectPart) => ({
    config: { permission, within },
    schema: { tags: ["annotations"] },
  });
  const path = "/api/annotations/:id/";
  app.get("/api/tasks/:id/annotations/", needs("annotations.view", "task"), (request) =>
    listAnnotations(deps, request),
  );
  app.post("/api/tasks/:id/annotations/", needs("annotations.create", "task"), (request, reply) =>
    createAnnotation(deps, request, reply),
  );
  app.get(path, needs("annotations.view", "annotation"), (request) => getAnnotation(deps, request));
  app.patch(path, needs("annotations.change", "annotation"), (request) =>
    updateAnnotation(deps, request),
  );
  app.put(path, needs("annotations.change", "annotation"), (request) =>
    updateAnnotation(deps, request),
  );
  app.delete(path, needs("annotations.delete", "annotation"), (request, reply) =>
    removeAnnotation(deps, request, reply),
  );
}
