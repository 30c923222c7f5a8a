import type { FastifyInstance } from "fastify";
import {
  convertSnapshot,
  createSnapshot,
  downloadSnapshot,
  exportNow,
  getSnapshot,
  listFormats,
  listSnapshots,
  removeSnapshot,
  type ExportDeps,
} from "./handlers.ts";

/** Exports of a project: at once, or as a snapshot that workers write. */
export function registerExportRoutes(app: FastifyInstance, deps: ExportDeps): void {
  // Exports hold everything that everybody did: more than annotators see of each other.
  const route = {
    config: { permission: "projects.change" },
    schema: { tags: ["exports"] },
  } as const;
  app.get("/api/projects/:id/export", route, (request, reply) => exportNow(deps, request, reply));
  app.get("/api/projects/:id/export/formats", route, (request) => listFormats(deps, request));
  app.get("/api/projects/:id/exports/", route, (request) => listSnapshots(deps, request));
  app.post("/api/projects/:id/exports/", route, (request, reply) =>
    createSnapshot(deps, request, reply),
  );
  app.get("/api/projects/:id/exports/:exportId", route, (request) => getSnapshot(deps, request));
  app.delete("/api/projects/:id/exports/:exportId", route, (request, reply) =>
    removeSnapshot(deps, request, reply),
  );
  app.post("/api/projects/:id/exports/:exportId/convert", route, (request) =>
    convertSnapshot(deps, request),
  );
  app.get("/api/projects/:id/exports/:exportId/download", route, (request, reply) =>
    downloadSnapshot(deps, request, reply),
  );
}
