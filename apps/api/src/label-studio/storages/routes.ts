import type { StorageDirection } from "@bucketbridge/storage/providers";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { notFound, notOffered } from "../../api-error.ts";
import { clientSignal } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import type { Permission } from "../../permissions.ts";
import type { RunWatchers } from "../../runs/run-watchers.ts";
import { pathId } from "../query.ts";
import { toFormLayout } from "./form-layout.ts";
import { createStorage, findStorage, updateStorage, type FoundStorage } from "./handlers.ts";
import { findProject, listStorages, requireProject } from "./list-storages.ts";
import { previewStorage, validateStorage } from "./unsaved.ts";
import { showStorage } from "./show-storage.ts";
import { findKind, type StorageKind } from "./storage-kind.ts";
import { explainAbsence, listOfferedShapes } from "./storage-types.ts";
import { syncStorage } from "./sync.ts";

const TAGS = ["storages"];

/** Sources and targets have the same routes below two paths; lists and create of sources end in a slash. */
interface Way {
  readonly direction: StorageDirection;
  readonly base: string;
  readonly slash: "/" | "";
  /** What the documentation calls such a storage. */
  readonly noun: string;
}

const WAYS: readonly Way[] = [
  { direction: "source", base: "/api/storages", slash: "/", noun: "source" },
  { direction: "target", base: "/api/storages/export", slash: "", noun: "target" },
];

interface RouteOptions {
  readonly config: { readonly permission: Permission };
  readonly schema: { readonly tags: string[]; readonly summary: string };
}

function route(permission: Permission, summary: string): RouteOptions {
  return { config: { permission }, schema: { tags: TAGS, summary } };
}

/** Sources and targets of every type that is available; the types differ in data, not in code. */
export function registerStorageRoutes(
  app: FastifyInstance,
  deps: ApiDeps,
  watchers: RunWatchers,
): void {
  for (const way of WAYS) {
    registerLists(app, deps, way);
    registerUnsaved(app, deps, way);
    registerSaved(app, deps, way);
    registerSync(app, { ...deps, watchers }, way);
  }
  app.post(
    "/api/storages/:type/files",
    route("storages.change", "The first objects of a source, save nothing"),
    async (request, reply) => {
      const kind = await getKind(deps, "source", request);
      return previewStorage(deps, kind, request, reply);
    },
  );
}

function registerLists(
  app: FastifyInstance,
  deps: ApiDeps,
  { direction, base, slash, noun }: Way,
): void {
  const view = (summary: string) => route("storages.view", summary);
  const types = listOfferedShapes(deps.settings.storageTypes).map(({ name, title }) => ({
    name,
    title,
  }));
  app.get(`${base}/types`, view(`Types of ${noun} storages`), () => types);
  app.get(`${base}${slash}`, view(`All ${noun} storages of a project`), async (request) => {
    const projectId = await findProject(deps, request);
    return projectId === undefined ? [] : listStorages(deps, request, { direction, projectId });
  });
  app.get(
    `${base}/:type${slash}`,
    view(`All ${noun} storages of a project and type`),
    async (request) => {
      const { shape } = await getKind(deps, direction, request);
      const projectId = await requireProject(deps, request);
      return listStorages(deps, request, { direction, projectId, provider: shape.name });
    },
  );
}

function registerUnsaved(app: FastifyInstance, deps: ApiDeps, { direction, base }: Way): void {
  const change = (summary: string) => route("storages.change", summary);
  app.get(`${base}/:type/form`, change("Layout of the settings page"), async (request) =>
    toFormLayout(await getKind(deps, direction, request)),
  );
  app.post(
    `${base}/:type/validate`,
    change("Check a connection, save nothing"),
    async (request, reply) => {
      const kind = await getKind(deps, direction, request);
      return reply.send(await validateStorage(deps, kind, request, reply));
    },
  );
}

function registerSaved(app: FastifyInstance, deps: ApiDeps, way: Way): void {
  const { direction, base, slash, noun } = way;
  const change = (summary: string) => route("storages.change", summary);
  app.post(`${base}/:type${slash}`, change(`Connect a ${noun} storage`), async (request, reply) => {
    const kind = await getKind(deps, direction, request);
    const { storage, warnings } = await createStorage(deps, kind, request, reply);
    return reply.code(201).send(await showStorage(deps, { kind, storage }, warnings));
  });
  app.get(`${base}/:type/:id`, route("storages.view", `One ${noun} storage`), async (request) =>
    showStorage(deps, await getStorage(deps, direction, request)),
  );
  const update = async (request: FastifyRequest, reply: FastifyReply) => {
    const found = await getStorage(deps, direction, request);
    const { storage, warnings } = await updateStorage(deps, found, request, reply);
    return showStorage(deps, { ...found, storage }, warnings);
  };
  app.patch(`${base}/:type/:id`, change("Change some settings"), update);
  app.put(`${base}/:type/:id`, change("Replace the settings"), update);
  app.delete(
    `${base}/:type/:id`,
    change("Disconnect; tasks, annotations and the bucket stay as they are"),
    async (request, reply) => {
      const { storage } = await getStorage(deps, direction, request);
      await deps.storages.remove(storage.organizationId, storage.id);
      return reply.code(204).send();
    },
  );
}

const SYNCS = {
  source: "Import what is new, and wait a moment for the end",
  target: "Write all annotations again, and wait a moment for the end",
} as const;

function registerSync(
  app: FastifyInstance,
  deps: ApiDeps & { readonly watchers: RunWatchers },
  { direction, base }: Way,
): void {
  app.post(
    `${base}/:type/:id/sync`,
    route("storages.sync", SYNCS[direction]),
    async (request, reply) => {
      const found = await getStorage(deps, direction, request);
      const signal = clientSignal(reply);
      await syncStorage(deps, found.storage, { actorId: identityOf(request).userId, signal });
      return showStorage(deps, found);
    },
  );
}

/** The type of a path; 404 for one that nobody knows or that is not available. */
async function getKind(
  deps: ApiDeps,
  direction: StorageDirection,
  request: FastifyRequest,
): Promise<StorageKind> {
  const { type } = request.params as { readonly type: string };
  const kind = await findKind(deps, direction, type);
  if (kind !== undefined) return kind;
  const explained = explainAbsence(type, deps.settings.storageTypes);
  throw explained === undefined ? notFound() : notOffered(explained);
}

async function getStorage(
  deps: ApiDeps,
  direction: StorageDirection,
  request: FastifyRequest,
): Promise<FoundStorage> {
  const kind = await getKind(deps, direction, request);
  const storageId = pathId(request, "Storage");
  const storage = await findStorage(deps, identityOf(request).organizationId, kind, storageId);
  if (storage === undefined) throw notFound("Storage");
  return { kind, storage };
}
