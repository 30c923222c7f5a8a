import { Readable } from "node:stream";
import { isAppError, type AppError } from "@bucketbridge/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiSettings } from "../../deps.ts";
import { chooseMediaType, UNKNOWN_TYPE } from "../media-type.ts";
import { toObjectHeaders } from "../object-headers.ts";
import { toContentRange } from "../range.ts";
import { sniffMediaType } from "../sniff-media-type.ts";
import { beginBody } from "./first-bytes.ts";
import { openObject, type ObjectAnswer, type ServedObject } from "./open-object.ts";

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
  object: ServedObject,
  exchange: Exchange,
): Promise<FastifyReply> {
  const { request, reply, signal } = exchange;
  const maxRangeBytes = settings.media.proxyMaxRangeBytes;
  try {
    const answer = await openObject(object, { request, maxRangeBytes, signal });
    const begun = answer.body === undefined ? undefined : await beginBody(answer.body);
    describe(reply, answer, toMediaType(answer, begun?.firstBytes));
    const isEmpty = begun === undefined;
    return await reply.send(isEmpty ? "" : Readable.from(begun.body, { objectMode: false }));
  } catch (error) {
    if (!isAppError(error)) throw error;
    return refuse(exchange, error);
  }
}

/** The first bytes speak only where nobody else does, and only when they are those of the object. */
function toMediaType({ info, range }: ObjectAnswer, firstBytes: Uint8Array | undefined): string {
  const said = chooseMediaType(info);
  const isBegin = firstBytes !== undefined && (range?.offset ?? 0) === 0;
  return (said === UNKNOWN_TYPE && isBegin ? sniffMediaType(firstBytes) : undefined) ?? said;
}

function describe(
  reply: FastifyReply,
  { status, info, etag, range }: ObjectAnswer,
  mediaType: string,
): void {
  const { key, size, modifiedAt } = info;
  reply.code(status).headers(toObjectHeaders(mediaType, key));
  if (etag !== undefined) reply.header("etag", etag);
  if (modifiedAt !== undefined) reply.header("last-modified", modifiedAt.toUTCString());
  if (range !== undefined) reply.header("content-range", toContentRange(range, size));
  if (status === 416) reply.header("content-range", `bytes */${String(size)}`);
  if (status !== 304 && status !== 416) reply.header("content-length", range?.length ?? size);
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
