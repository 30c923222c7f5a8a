import { isAppError, type AppError } from "@bucketbridge/core";
import type { ObjectStore } from "@bucketbridge/storage";
import type { FastifyReply, FastifyRequest } from "fastify";
import { clientSignal, onceClosed } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { findMediaType, UNKNOWN_TYPE } from "../media-type.ts";
import { toDisposition } from "../object-headers.ts";
import type { ProjectReferences } from "../project-references.ts";
import type { ProxySlots } from "../proxy/proxy-slots.ts";
import { proxyObject, refuseStream } from "../proxy/proxy-object.ts";
import type { FoundReference } from "./find-reference.ts";

/** What resolving takes. */
export interface ResolveDeps extends Pick<
  ApiDeps,
  "media" | "sharedStores" | "clock" | "settings" | "log"
> {
  readonly references: ProjectReferences;
  readonly proxySlots: ProxySlots;
}

type Served = Extract<FoundReference, { readonly key: string }>;

/** A redirect to a signed URL where the source presigns and its provider can, else the bytes through us. */
export async function serveReference(
  deps: ResolveDeps,
  found: FoundReference,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if ("status" in found) return reply.code(found.status).send();
  const exchange = { request, reply, signal: clientSignal(reply) };
  const store = await openStore(deps, found, exchange);
  if (store === undefined)
    return found.source.presign ? reply.code(404).send() : refuseStream(reply);
  if (found.source.presign && store.can("presignRead")) {
    const url = await sign(found, store, exchange);
    if (url === undefined) return reply.code(404).send();
    if (url !== "unsupported") return redirect(url, found, reply);
  }
  return stream(deps, found, store, exchange);
}

/** The store, until the answer is through. Undefined when it cannot be opened; the log says why. */
async function openStore(
  { sharedStores }: ResolveDeps,
  { source }: Served,
  { request, reply }: Exchange,
): Promise<ObjectStore | undefined> {
  try {
    const { opened, release } = await sharedStores.hold(source);
    onceClosed(reply.raw, release);
    return opened.store;
  } catch (error) {
    if (!isAppError(error)) throw error;
    logRefusal(request, source.id, error);
    return undefined;
  }
}

async function stream(
  { proxySlots, settings }: ResolveDeps,
  { source, key }: Served,
  store: ObjectStore,
  exchange: Exchange,
): Promise<FastifyReply> {
  const { reply, signal } = exchange;
  try {
    onceClosed(reply.raw, await proxySlots.take(source.organizationId, signal));
    cutWhenIdle(reply, settings.media.clientIdleMs);
  } catch (error) {
    if (!signal.aborted) throw error;
    return reply.code(CLIENT_LEFT).send();
  }
  return proxyObject({ settings }, { source, store, key }, exchange);
}

/** Nobody listens to the timeout, so that Node destroys the socket; the next request on it starts with a fresh one. */
function cutWhenIdle({ raw }: FastifyReply, idleMs: number): void {
  // An injected request has no connection that could stand still.
  if (raw.socket !== null && "setTimeout" in raw.socket) raw.setTimeout(idleMs);
}

/** For the log: nobody gets it. */
const CLIENT_LEFT = 499;

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly signal: AbortSignal;
}

/** S3's own limit, and the longest that any of the stores takes. */
const MAX_TTL_SECONDS = 7 * 24 * 3_600;
/** A URL stays the same for at most this long, so that a browser finds the object in its cache again. */
const MAX_WINDOW_SECONDS = 300;

/** Undefined when no URL can be had; `unsupported` for an object that can be streamed but not named by a URL. */
async function sign(
  { source, key, ttlCeilingMinutes }: Served,
  store: Pick<ObjectStore, "presignRead">,
  { request, signal }: Exchange,
): Promise<URL | "unsupported" | undefined> {
  const ttlSeconds = toTtlSeconds(source.presignTtl, ttlCeilingMinutes);
  const mediaType = findMediaType(key);
  const options = {
    method: request.method === "HEAD" ? ("HEAD" as const) : ("GET" as const),
    ttlSeconds,
    windowSeconds: Math.min(MAX_WINDOW_SECONDS, Math.floor(ttlSeconds / 2)),
    // What a name does not tell, the store may know.
    ...(mediaType === undefined ? {} : { contentType: mediaType }),
    disposition: toDisposition(mediaType ?? UNKNOWN_TYPE, key),
  };
  try {
    return await store.presignRead(key, options, { signal });
  } catch (error) {
    if (!isAppError(error) || error.code === "canceled") throw error;
    if (error.code === "unsupported") return "unsupported";
    logRefusal(request, source.id, error);
    return undefined;
  }
}

function redirect(
  url: URL,
  { source, ttlCeilingMinutes }: Served,
  reply: FastifyReply,
): FastifyReply {
  const ttlSeconds = toTtlSeconds(source.presignTtl, ttlCeilingMinutes);
  return reply
    .code(303)
    .headers({
      location: url.href,
      "cache-control": `no-store, max-age=${String(ttlSeconds)}`,
      "content-type": "text/html; charset=utf-8",
    })
    .send("");
}

/** The contract tells the client nothing, so that the log has to. */
function logRefusal(request: FastifyRequest, storageId: number, error: AppError): void {
  const { code, reason, message } = error;
  request.log.info({ code, reason, message, storageId }, "media.refused");
}

/** `presign_ttl` 0 acts as 1 (design §13). */
function toTtlSeconds(ttlMinutes: number, ceilingMinutes: number | null): number {
  const minutes = Math.min(Math.max(1, ttlMinutes), ceilingMinutes ?? Infinity);
  return Math.min(minutes * 60, MAX_TTL_SECONDS);
}
