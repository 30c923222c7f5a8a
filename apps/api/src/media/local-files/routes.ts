import type { StorageRecord } from "@bucketbridge/db";
import type { ProviderDefinition } from "@bucketbridge/storage/providers";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { clientSignal } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import type { ProjectAccess } from "../../project-access.ts";
import type { OpenStore } from "../../stores/stores.ts";
import { toLocalPath } from "./local-path.ts";
import { isAbsent, sendFile, type FoundFile } from "./send-file.ts";

const PROVIDER = "localfiles";
const SERVING_IS_OFF =
  "Serving local files is switched off. Set LOCAL_FILES_SERVING_ENABLED=true and LOCAL_FILES_DOCUMENT_ROOT to switch it on.";

/** What serving local files takes. */
type LocalFileDeps = Pick<ApiDeps, "settings" | "storages" | "stores"> & {
  readonly projectAccess: ProjectAccess;
};

/** `/data/local-files/?d=`: files below the folder of a connected source of a project that the caller may see (ls-api §4.6). */
export function registerLocalFileRoutes(app: FastifyInstance, deps: LocalFileDeps): void {
  app.route({
    method: ["GET", "HEAD"],
    url: "/data/local-files/",
    config: { permission: "media.view" },
    schema: { tags: ["media"], summary: "A file of a local-files storage" },
    exposeHeadRoute: false,
    handler: (request, reply) => serveLocalFile(deps, request, reply),
  });
}

async function serveLocalFile(
  deps: LocalFileDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { documentRoot, servingEnabled } = deps.settings.localFiles;
  if (!servingEnabled || documentRoot === undefined) {
    return reply.code(403).type("text/plain; charset=utf-8").send(SERVING_IS_OFF);
  }
  const { d } = request.query as { readonly d?: string | string[] };
  const asked = Array.isArray(d) ? d.at(-1) : d;
  if (asked === undefined || asked === "") return reply.code(403).send();
  const wanted = toLocalPath(documentRoot, asked);
  const signal = clientSignal(reply);
  const found = wanted === undefined ? undefined : await findFile(deps, request, wanted, signal);
  if (found === undefined) return reply.code(404).send();
  return sendFile(found, request, reply, signal);
}

/** The file as the deepest storage that has it gives it. */
async function findFile(
  { stores, storages, projectAccess }: LocalFileDeps,
  request: FastifyRequest,
  wanted: string,
  signal: AbortSignal,
): Promise<FoundFile | undefined> {
  const definition = await stores.find(PROVIDER);
  if (definition === undefined) return undefined;
  const { organizationId } = identityOf(request);
  const sources = await storages.list(organizationId, { direction: "source", provider: PROVIDER });
  const visible = await projectAccess.visibleProjects(request);
  const places = sources
    .filter(({ projectId }) => visible?.includes(projectId) ?? true)
    .flatMap((storage) => toPlace(definition, storage, wanted))
    // The shortest key lies below the deepest folder.
    .toSorted((a, b) => a.key.length - b.key.length);
  for (const { storage, key } of places) {
    const { id: storageId, settings, prefix } = storage;
    const scope = { organizationId, storageId, direction: "source" as const, prefix };
    const file = await openFile(await stores.open(definition, settings, scope), key, signal);
    if (file !== undefined) return file;
  }
  return undefined;
}

interface Place {
  readonly storage: StorageRecord;
  readonly key: string;
}

/** The key of the path in a storage; none when it lies outside. */
function toPlace(definition: ProviderDefinition, storage: StorageRecord, wanted: string): Place[] {
  const parsed = definition.settings.safeParse(storage.settings);
  const key = parsed.success ? definition.fromDisplayKey?.(parsed.data, wanted) : undefined;
  return key === undefined ? [] : [{ storage, key }];
}

async function openFile(
  open: OpenStore,
  key: string,
  signal: AbortSignal,
): Promise<FoundFile | undefined> {
  try {
    return { open, info: await open.store.stat(key, { signal }) };
  } catch (error) {
    await open.close();
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
