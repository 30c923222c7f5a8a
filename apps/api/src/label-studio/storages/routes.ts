import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { notFound } from "../../api-error.ts";
import { clientSignal } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import type { Permission } from "../../permissions.ts";
import type { RunWatchers } from "../../runs/run-watchers.ts";
import { pathId } from "../query.ts";
import { toFormLayout } from "./form-layout.ts";
import { createStorage, findStorage, updateStorage, type FoundStorage } from "./handlers.ts";
import { findProject, listSources, requireProject } from "./list-storages.ts";
import { previewStorage, validateStorage } from "./unsaved.ts";
import { showStorage } from "./show-storage.ts";
import { findKind, type StorageKind } from "./storage-kind.ts";
import { listOfferedShapes } from "./storage-types.ts";
import { syncStorage } from "./sync.ts";

const TAGS = ["storages"];

interface RouteOptions {
  readonly config: { readonly permission: Permission };
  readonly schema: { readonly tags: string[]; readonly summary: string };
}

function route(permission: Permission, summary: string): RouteOptions {
  return { config: { permission }, schema: { tags: TAGS, summary } };
}

/** Source storages of every type that is available; the types differ in data, not in code. */
export function registerStorageRoutes(
  app: FastifyInstance,
  deps: ApiDeps,
  watchers: RunWatchers,
): void {
  registerLists(app, deps);
  registerUnsaved(app, deps);
  registerSaved(app, deps);
  app.post(
    "/api/storages/:type/:id/sync",
    route("storages.sync", "Import what is new, and wait a moment for the end"),
    async (request, reply) => {
      const found = await getStorage(deps, request);
      const signal = clientSignal(reply);
      const { userId } = identityOf(request);
      await syncStorage({ ...deps, watchers }, found.storage, { actorId: userId, signal });
      return showStorage(deps, found);
    },
  );
}

function registerLists(app: FastifyInstance, deps: ApiDeps): void {
  const view = (summary: string) => route("storages.view", summary);
  const types = listOfferedShapes(deps.settings.storageTypes).map(({ name, title }) => ({
    name,
    title,
  }));
  app.get("/api/storages/types", view("Types of source storages"), () => types);
  app.get("/api/storages/export/types", view("Types of target storages"), () => types);
  app.get("/api/storages/", view("Source storages of a project"), async (request) => {
    const projectId = await findProject(deps, request);
    return projectId === undefined ? [] : listSources(deps, request, { projectId });
  });
  app.get(
    "/api/storages/:type/",
    view("Source storages of a project and type"),
    async (request) => {
      const { shape } = await getKind(deps, request);
      const projectId = await requireProject(deps, request);
      return listSources(deps, request, { projectId, provider: shape.name });
    },
  );
  // There are no targets yet: the lists that clients ask for are empty, everything else of theirs is 404.
  app.get("/api/storages/export", view("Target storages of a project"), () => []);
  app.get(
    "/api/storages/export/:type",
    view("Target storages of a project and type"),
    async (request) => {
      await getKind(deps, request);
      await requireProject(deps, request);
      return [];
    },
  );
}

function registerUnsaved(app: FastifyInstance, deps: ApiDeps): void {
  const change = (summary: string) => route("storages.change", summary);
  app.get("/api/storages/:type/form", change("Layout of the settings page"), async (request) =>
    toFormLayout(await getKind(deps, request)),
  );
  app.post(
    "/api/storages/:type/validate",
    change("Check a connection, save nothing"),
    async (request, reply) =>
      reply.send(await validateStorage(deps, await getKind(deps, request), request, reply)),
  );
  app.post(
    "/api/storages/:type/files",
    change("The first objects of a source, save nothing"),
    async (request, reply) => ({
      files: await previewStorage(deps, await getKind(deps, request), request, reply),
    }),
  );
}

function registerSaved(app: FastifyInstance, deps: ApiDeps): void {
  const change = (summary: string) => route("storages.change", summary);
  app.post("/api/storages/:type/", change("Connect a source storage"), async (request, reply) => {
    const kind = await getKind(deps, request);
    const storage = await createStorage(deps, kind, request, reply);
    return reply.code(201).send(await showStorage(deps, { kind, storage }));
  });
  app.get(
    "/api/storages/:type/:id",
    route("storages.view", "One source storage"),
    async (request) => showStorage(deps, await getStorage(deps, request)),
  );
  const update = async (request: FastifyRequest, reply: FastifyReply) => {
    const found = await getStorage(deps, request);
    const storage = await updateStorage(deps, found, request, reply);
    return showStorage(deps, { ...found, storage });
  };
  app.patch("/api/storages/:type/:id", change("Change some settings"), update);
  app.put("/api/storages/:type/:id", change("Replace the settings"), update);
  app.delete(
    "/api/storages/:type/:id",
    change("Disconnect; tasks and bucket stay as they are"),
    async (request, reply) => {
      const { storage } = await getStorage(deps, request);
      await deps.storages.remove(storage.organizationId, storage.id);
      return reply.code(204).send();
    },
  );
}

/** The type of a path; 404 for one that nobody knows or that is not available. */
async function getKind(deps: ApiDeps, request: FastifyRequest): Promise<StorageKind> {
  const { type } = request.params as { readonly type: string };
  const kind = await findKind(deps, type);
  if (kind === undefined) throw notFound();
  return kind;
}

async function getStorage(deps: ApiDeps, request: FastifyRequest): Promise<FoundStorage> {
  const kind = await getKind(deps, request);
  const storageId = pathId(request, "Storage");
  const storage = await findStorage(deps, identityOf(request).organizationId, kind, storageId);
  if (storage === undefined) throw notFound("Storage");
  return { kind, storage };
}
