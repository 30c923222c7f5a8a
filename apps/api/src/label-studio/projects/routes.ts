import type { ProjectPart } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import type { ApiDeps } from "../../deps.ts";
import type { Permission } from "../../permissions.ts";
import type { ProjectAccess } from "../../project-access.ts";
import { makeProjectHandlers } from "./handlers.ts";

/** Projects: create, list, get, change, delete, and the check of a label config. */
export function registerProjectRoutes(
  app: FastifyInstance,
  { projects }: Pick<ApiDeps, "projects">,
  projectAccess: ProjectAccess,
): void {
  const handlers = makeProjectHandlers({ projects, projectAccess });
  const needs = (permission: Permission, within?: ProjectPart) => ({
    config: { permission, ...(within === undefined ? {} : { within }) },
    schema: { tags: ["projects"] },
  });
  app.get("/api/projects/", needs("projects.view"), handlers.list);
  app.post("/api/projects/", needs("projects.create"), handlers.create);
  app.get("/api/projects/:id/", needs("projects.view", "project"), handlers.get);
  app.patch("/api/projects/:id/", needs("projects.change"), handlers.update);
  app.put("/api/projects/:id/", needs("projects.change"), handlers.update);
  app.delete("/api/projects/:id/", needs("projects.delete"), handlers.remove);
  app.post("/api/projects/:id/validate/", needs("projects.change"), handlers.validate);
}
