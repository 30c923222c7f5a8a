import { Readable } from "node:stream";
import { isAppError, type AppError } from "@bucketbridge/core";
import type { ByteRange, ObjectInfo, ObjectStore } from "@bucketbridge/storage";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiSettings } from "../../deps.ts";
import { matchesEtag } from "../conditional.ts";
import { chooseMediaType } from "../media-type.ts";
import { toObjectHeaders } from "../object-headers.ts";
import { parseRange, toContentRange } from "../range.ts";
import { isRangeBehindEnd, mayUseRange } from "./conditions.ts";

/** An object that is being served, with the store that its reader gives back. */
export interface ProxiedObject {
  readonly store: Pick<ObjectStore, "stat" | "read">;
  readonly key: string;
  release(): void;
}

/** One request and its answer. */
interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}

interface ProxyDeps {
  readonly settings: Pick<ApiSettings, "media">;
}

/** The contract's answer to any failure of the store (ls-api §4.5); the request's own log has the cause. */
const STREAM_FAILED = {
  error: "Storage stream failed while proxying data",
  detail: "Stream is None",
};

/**
 * Streams an object from its store to the client, the whole or one range, under an ETag that is asked again at each use. What the
 * store says goes to the log; the client gets 424 before the first byte, and a cut connection after it.
 */
export async function proxyObject(
  { settings }: ProxyDeps,
  object: ProxiedObject,
  exchange: Exchange,
): Promise<FastifyReply> {
  const { request, reply, signal } = exchange;
  try {
    const { store, key } = object;
    const info = await store.stat(key, { signal });
    const plan = planAnswer(request, info, settings.media.proxyMaxRangeBytes);
    reply.headers(toObjectHeaders(chooseMediaType(info), key));
    if (plan.etag !== undefined) reply.header("etag", plan.etag);
    if (info.modifiedAt !== undefined) reply.header("last-modified", info.modifiedAt.toUTCString());
    reply.code(plan.status);
    if (plan.range !== undefined)
      reply.header("content-range", toContentRange(plan.range, info.size));
    if (plan.status === 416) reply.header("content-range", `bytes */${String(info.size)}`);
    if (plan.status === 304 || plan.status === 416) return await sendNothing(object, reply);
    reply.header("content-length", String(plan.range?.length ?? info.size));
    if (request.method === "HEAD" || info.size === 0) return await sendNothing(object, reply);
    const body = await begin(await open(object, info, plan.range, signal));
    return await reply.send(Readable.from(releasingAfter(body, object), { objectMode: false }));
  } catch (error) {
    object.release();
    if (!isAppError(error)) throw error;
    return refuse(exchange, error);
  }
}

interface AnswerPlan {
  readonly status: 200 | 206 | 304 | 416;
  readonly etag: string | undefined;
  readonly range: (ByteRange & { readonly length: number }) | undefined;
}

function planAnswer(request: FastifyRequest, info: ObjectInfo, maxRangeBytes: number): AnswerPlan {
  const etag = info.etag === undefined ? undefined : `"${info.etag}"`;
  const { headers } = request;
  if (etag !== undefined && matchesEtag(headers["if-none-match"], etag))
    return { status: 304, etag, range: undefined };
  if (!mayUseRange(headers["if-range"]?.toString(), etag))
    return { status: 200, etag, range: undefined };
  const range = parseRange(headers.range, info.size);
  if (range !== undefined) {
    const length = Math.min(range.length, maxRangeBytes);
    return { status: 206, etag, range: { offset: range.offset, length } };
  }
  const status = isRangeBehindEnd(headers.range, info.size) ? 416 : 200;
  return { status, etag, range: undefined };
}

async function open(
  { store, key }: ProxiedObject,
  { etag }: ObjectInfo,
  range: ByteRange | undefined,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const options = {
    ...(range === undefined ? {} : { range }),
    // The headers speak of this content: another one that came in between must not be sent under them.
    ...(etag === undefined ? {} : { ifEtag: etag }),
  };
  return (await store.read(key, options, { signal })).body;
}

/** Waits for the first bytes, so that a store that fails before them can still be answered with a status. */
async function begin(body: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = body[Symbol.asyncIterator]();
  const first = await iterator.next();
  return resume(first, iterator);
}

async function* resume(
  first: IteratorResult<Uint8Array>,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let chunk = first; chunk.done !== true; chunk = await iterator.next()) yield chunk.value;
  } finally {
    await iterator.return?.();
  }
}

async function sendNothing(object: ProxiedObject, reply: FastifyReply): Promise<FastifyReply> {
  object.release();
  return reply.send("");
}

function refuse({ request, reply }: Exchange, error: AppError): FastifyReply {
  const { code, reason, message } = error;
  request.log.info({ code, reason, message }, "media.refused");
  return refuseStream(reply);
}

/** 424 with the contract's two keys, without what was said about an object that does not come. */
export function refuseStream(reply: FastifyReply): FastifyReply {
  for (const name of Object.keys(reply.getHeaders())) {
    if (name.startsWith("content-") || name === "etag" || name === "last-modified")
      reply.removeHeader(name);
  }
  return reply
    .code(424)
    .header("cache-control", "no-store")
    .type("application/json")
    .send(STREAM_FAILED);
}

/** Passes the bytes on; the store is given back at their end, also when the client leaves before. */
async function* releasingAfter(
  body: AsyncIterable<Uint8Array>,
  object: ProxiedObject,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } finally {
    object.release();
  }
}
