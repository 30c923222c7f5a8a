import { isAppError } from "@bucketbridge/core";
import type { ObjectInfo, ObjectStore } from "@bucketbridge/storage";
import type { FastifyRequest } from "fastify";
import { matchesEtag } from "../conditional.ts";
import { parseRange, type BodyRange } from "../range.ts";
import { isRangeBehindEnd, mayUseRange, toAskedRange, toObjectEtag } from "./conditions.ts";

/** An object of a source that is being served. */
export interface ServedObject {
  readonly source: { readonly id: number; readonly settingsVersion: number };
  readonly store: Pick<ObjectStore, "stat" | "read" | "traits">;
  readonly key: string;
}

/** What is sent of an object, with the bytes where there are any. */
export interface ObjectAnswer {
  readonly status: 200 | 206 | 304 | 416;
  readonly info: ObjectInfo;
  readonly etag: string | undefined;
  /** With status 206. */
  readonly range: BodyRange | undefined;
  readonly body: AsyncIterable<Uint8Array> | undefined;
}

/** What is asked of an object. */
export interface Asking {
  readonly request: Pick<FastifyRequest, "method" | "headers">;
  readonly maxRangeBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Asks the store for what the request wants: in one call where it can be named without knowing the object, else behind a look at its
 * metadata. Size, type and tag are always those of the very content that is sent. Rejects as the store does.
 */
export async function openObject(object: ServedObject, asking: Asking): Promise<ObjectAnswer> {
  return (await openAtOnce(object, asking)) ?? openAfterLook(object, asking);
}

/** Undefined where the request has conditions, counts from the end, or begins behind it: those need the metadata. */
async function openAtOnce(
  object: ServedObject,
  { request, maxRangeBytes, signal }: Asking,
): Promise<ObjectAnswer | undefined> {
  const { method, headers } = request;
  const isConditional = (headers["if-none-match"] ?? headers["if-range"]) !== undefined;
  if (method === "HEAD" || isConditional) return undefined;
  const { source, store, key } = object;
  const asked = store.traits.rangeRead ? toAskedRange(headers.range, maxRangeBytes) : "whole";
  if (asked === undefined) return undefined;
  try {
    const options = asked === "whole" ? {} : { range: asked };
    const { info, body } = await store.read(key, options, { signal });
    const etag = toObjectEtag(source, info);
    if (asked === "whole") return { status: 200, info, etag, range: undefined, body };
    const { offset } = asked;
    const range = { offset, length: Math.min(asked.length, info.size - offset) };
    return { status: 206, info, etag, range, body };
  } catch (error) {
    if (asked !== "whole" && isAppError(error, "invalid_input")) return undefined;
    throw error;
  }
}

async function openAfterLook(object: ServedObject, asking: Asking): Promise<ObjectAnswer> {
  const { source, store, key } = object;
  const { signal } = asking;
  const info = await store.stat(key, { signal });
  const etag = toObjectEtag(source, info);
  const { status, range } = decide(object, asking, info, etag);
  const isEmpty = asking.request.method === "HEAD" || info.size === 0;
  if (isEmpty || status === 304 || status === 416)
    return { status, info, etag, range, body: undefined };
  const options = {
    ...(range === undefined ? {} : { range }),
    // The headers speak of this content: another one that came in between must not be sent under them.
    ...(info.etag === undefined ? {} : { ifEtag: info.etag }),
  };
  const { body } = await store.read(key, options, { signal });
  return { status, info, etag, range, body };
}

function decide(
  { store }: ServedObject,
  { request, maxRangeBytes }: Asking,
  { size }: ObjectInfo,
  etag: string | undefined,
): Pick<ObjectAnswer, "status" | "range"> {
  const { method, headers } = request;
  if (etag !== undefined && matchesEtag(headers["if-none-match"], etag))
    return { status: 304, range: undefined };
  // A range is a matter of GET alone: RFC 9110 §14.2.
  const isRanged =
    method === "GET" &&
    store.traits.rangeRead &&
    mayUseRange(headers["if-range"]?.toString(), etag);
  const header = isRanged ? headers.range : undefined;
  const range = parseRange(header, size);
  if (range !== undefined) {
    const length = Math.min(range.length, maxRangeBytes);
    return { status: 206, range: { offset: range.offset, length } };
  }
  return { status: isRangeBehindEnd(header, size) ? 416 : 200, range: undefined };
}
