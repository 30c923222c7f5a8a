import type { ProjectPart } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import type { Permission } from "../../permissions.ts";
import {
  createDraft,
  getDraft,
  listDrafts,
  removeDraft,
  updateDraft,
  type DraftDeps,
} from "./handlers.ts";

/** Drafts: what a person has not submitted yet. They go once their annotation is saved. */
export function registerDraftRoutes(app: FastifyInstance, deps: DraftDeps): void {
  const needs = (permission: Permission, within: ProjectPart) => ({
    config: { permission, within },
    schema: { tags: ["drafts"] },
  });
  for (const path of ["/api/tasks/:id/drafts", "/api/tasks/:id/annotations/:annotationId/drafts"]) {
    app.get(path, needs("annotations.view", "task"), (request) => listDrafts(deps, request));
    app.post(path, needs("annotations.create", "task"), (request, reply) =>
      createDraft(deps, request, reply),
    );
  }
  const path = "/api/drafts/:id/";
  app.get(path, needs("annotations.view", "draft"), (request) => getDraft(deps, request));
  app.patch(path, needs("annotations.change", "draft"), (request) => updateDraft(deps, request));
  app.put(path, needs("annotations.change", "draft"), (request) => updateDraft(deps, request));
  app.delete(path, needs("annotations.delete", "draft"), (request, reply) =>
    removeDraft(deps, request, reply),
  );
}
