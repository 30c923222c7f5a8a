import type { FastifyInstance } from "fastify";
import type { ApiDeps } from "../../deps.ts";
import type { Permission } from "../../permissions.ts";
import { makeProjectHandlers } from "./handlers.ts";

/** Projects: create, list, get, change, delete, and the check of a label config. */
export function registerProjectRoutes(app: FastifyInstance, deps: Pick<ApiDeps, "projects">): void {
  const handlers = makeProjectHandlers(deps);
  const needs = (permission: Permission) => ({
    config: { permission },
    schema: { tags: ["projects"] },
  });
  app.get("/api/projects/", needs("projects.view"), handlers.list);
  app.post("/api/projects/", needs("projects.create"), handlers.create);
  app.get("/api/projects/:id/", needs("projects.view"), handlers.get);
  app.patch("/api/projects/:id/", needs("projects.change"), handlers.update);
  app.put("/api/projects/:id/", needs("projects.change"), handlers.update);
  app.delete("/api/projects/:id/", needs("projects.delete"), handlers.remove);
  app.post("/api/projects/:id/validate/", needs("projects.change"), handlers.validate);
}
