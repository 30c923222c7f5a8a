import { isAppError } from "@bucketbridge/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { clientSignal } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { mediaTypeOf } from "../media-type.ts";
import { toDisposition } from "../object-headers.ts";
import type { ProjectReferences } from "../project-references.ts";
import { proxyObject } from "../proxy/proxy-object.ts";
import type { FoundReference } from "./find-reference.ts";

/** What resolving takes. */
export interface ResolveDeps extends Pick<
  ApiDeps,
  "media" | "sharedStores" | "clock" | "settings" | "log"
> {
  readonly references: ProjectReferences;
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
  const signal = clientSignal(reply);
  const { opened, release } = await deps.sharedStores.hold(found.source);
  if (found.source.presign && opened.store.can("presignRead")) {
    try {
      return await redirect(found, opened.store, { request, reply, signal });
    } finally {
      release();
    }
  }
  return proxyObject(
    deps,
    { store: opened.store, key: found.key, release },
    { request, reply, signal },
  );
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly signal: AbortSignal;
}

/** S3's own limit, and the longest that any of the stores takes. */
const MAX_TTL_SECONDS = 7 * 24 * 3_600;
/** A URL stays the same for at most this long, so that a browser finds the object in its cache again. */
const MAX_WINDOW_SECONDS = 300;

async function redirect(
  { source, key, ttlCeilingMinutes }: Served,
  store: { presignRead: ApiStore["presignRead"] },
  { request, reply, signal }: Exchange,
): Promise<FastifyReply> {
  const ttlSeconds = toTtlSeconds(source.presignTtl, ttlCeilingMinutes);
  const mediaType = mediaTypeOf(key);
  try {
    const url = await store.presignRead(
      key,
      {
        method: request.method === "HEAD" ? "HEAD" : "GET",
        ttlSeconds,
        windowSeconds: Math.min(MAX_WINDOW_SECONDS, Math.floor(ttlSeconds / 2)),
        contentType: mediaType,
        disposition: toDisposition(mediaType, key),
      },
      { signal },
    );
    return await reply
      .code(303)
      .headers({
        location: url.href,
        "cache-control": `no-store, max-age=${String(ttlSeconds)}`,
        "referrer-policy": "no-referrer",
        "content-type": "text/html; charset=utf-8",
      })
      .send("");
  } catch (error) {
    if (!isAppError(error) || error.code === "canceled") throw error;
    // The contract answers whatever keeps a URL from being signed with 404 and nothing else.
    request.log.info(
      { code: error.code, reason: error.reason, storageId: source.id },
      "media.presign.failed",
    );
    return reply.code(404).send();
  }
}

type ApiStore = Awaited<ReturnType<ApiDeps["sharedStores"]["hold"]>>["opened"]["store"];

/** `presign_ttl` 0 acts as 1 (design §13). */
function toTtlSeconds(ttlMinutes: number, ceilingMinutes: number | null): number {
  const minutes = Math.min(Math.max(1, ttlMinutes), ceilingMinutes ?? Infinity);
  return Math.min(minutes * 60, MAX_TTL_SECONDS);
}
