import type { ProjectPart } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import { registerStreamedForms } from "../body-parsers.ts";
import { registerNegotiation } from "../negotiation.ts";
import type { Permission } from "../../permissions.ts";
import { importTasks, type ImportDeps } from "./import.ts";
import { getTask, listProjectTasks, listTasks, type ShownTaskDeps } from "./reading.ts";
import {
  createProjectTask,
  createTask,
  removeProjectTasks,
  removeTask,
  updateTask,
  type TaskDeletionDeps,
} from "./writing.ts";

/** Tasks, by themselves and as part of a project. */
export function registerTaskRoutes(
  app: FastifyInstance,
  deps: TaskDeletionDeps & ShownTaskDeps,
): void {
  const needs = (permission: Permission, within?: ProjectPart) => ({
    config: { permission, ...(within === undefined ? {} : { within }) },
    schema: { tags: ["tasks"] },
  });
  app.get("/api/tasks/", needs("tasks.view"), (request) => listTasks(deps, request));
  app.post("/api/tasks/", needs("tasks.create"), (request, reply) =>
    createTask(deps, request, reply),
  );
  app.get("/api/tasks/:id/", needs("tasks.view", "task"), (request) => getTask(deps, request));
  app.patch("/api/tasks/:id/", needs("tasks.change"), (request) => updateTask(deps, request));
  app.put("/api/tasks/:id/", needs("tasks.change"), (request) => updateTask(deps, request));
  app.delete("/api/tasks/:id/", needs("tasks.delete"), (request, reply) =>
    removeTask(deps, request, reply),
  );

  app.get("/api/projects/:id/tasks/", needs("tasks.view", "project"), (request) =>
    listProjectTasks(deps, request),
  );
  app.post("/api/projects/:id/tasks/", needs("tasks.create"), (request, reply) =>
    createProjectTask(deps, request, reply),
  );
  app.delete("/api/projects/:id/tasks/", needs("tasks.delete"), (request, reply) =>
    removeProjectTasks(deps, request, reply),
  );
}

/** The import takes files as they come, so that its scope has a form parser of its own. */
export async function registerImportRoute(app: FastifyInstance, deps: ImportDeps): Promise<void> {
  await registerStreamedForms(app);
  registerNegotiation(app);
  app.post(
    "/api/projects/:id/import",
    { config: { permission: "tasks.create" }, schema: { tags: ["tasks"] } },
    (request, reply) => importTasks(deps, request, reply),
  );
}
