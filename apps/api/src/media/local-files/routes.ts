import { Readable } from "node:stream";
import { isAppError, type ErrorCode } from "@bucketbridge/core";
import type { StorageRecord } from "@bucketbridge/db";
import type { ObjectInfo } from "@bucketbridge/storage";
import type { ProviderDefinition } from "@bucketbridge/storage/providers";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { clientSignal } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import type { OpenStore } from "../../stores/stores.ts";
import { matchesEtag } from "../conditional.ts";
import { mediaTypeOf } from "../media-type.ts";
import { toObjectHeaders } from "../object-headers.ts";
import { parseRange, toContentRange } from "../range.ts";
import { toLocalPath } from "./local-path.ts";

const PROVIDER = "localfiles";
const SERVING_IS_OFF =
  "Serving local files is switched off. Set LOCAL_FILES_SERVING_ENABLED=true and LOCAL_FILES_DOCUMENT_ROOT to switch it on.";

/** Answers of the driver that mean "no such file for you"; which of them it was is nobody's business. */
const ABSENT: ReadonlySet<ErrorCode> = new Set([
  "not_found",
  "permission_denied",
  "invalid_input",
  "unsupported",
]);

interface FoundFile {
  readonly open: OpenStore;
  readonly info: ObjectInfo;
}

/** `/data/local-files/?d=`: files below the folder of a connected source of a project that the caller may see (ls-api §4.6). */
export function registerLocalFileRoutes(app: FastifyInstance, deps: ApiDeps): void {
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
  deps: ApiDeps,
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
  { stores, storages }: ApiDeps,
  request: FastifyRequest,
  wanted: string,
  signal: AbortSignal,
): Promise<FoundFile | undefined> {
  const definition = await stores.find(PROVIDER);
  if (definition === undefined) return undefined;
  const { organizationId } = identityOf(request);
  const found = await storages.list(organizationId, { direction: "source", provider: PROVIDER });
  const places = found
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
    if (isAppError(error) && ABSENT.has(error.code)) return undefined;
    throw error;
  }
}

/** Range and conditions as the contract has them: what cannot be satisfied is the whole file, never 416. */
async function sendFile(
  { open, info }: FoundFile,
  request: FastifyRequest,
  reply: FastifyReply,
  signal: AbortSignal,
): Promise<FastifyReply> {
  const etag = toEtag(info);
  const mediaType = mediaTypeOf(info.key);
  reply.headers({ ...toObjectHeaders(mediaType, info.key), etag });
  if (matchesEtag(request.headers["if-none-match"], etag)) {
    await open.close();
    return reply.code(304).send();
  }
  const range = parseRange(request.headers.range, info.size);
  reply.header("content-length", String(range?.length ?? info.size));
  if (range !== undefined)
    reply.code(206).header("content-range", toContentRange(range, info.size));
  if (request.method === "HEAD") {
    await open.close();
    return reply.send();
  }
  const { body } = await open.store.read(info.key, range === undefined ? {} : { range }, {
    signal,
  });
  return reply.send(Readable.from(closingAfter(body, open)));
}

/** Passes the bytes on; the store is closed at their end, also when the client leaves before. */
async function* closingAfter(
  body: AsyncIterable<Uint8Array>,
  open: OpenStore,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } finally {
    await open.close();
  }
}

/** Weak: the time of the file system is no proof of equal bytes. */
function toEtag({ modifiedAt, size }: ObjectInfo): string {
  return `W/"${(modifiedAt?.getTime() ?? 0).toString(16)}-${size.toString(16)}"`;
}
