import { Readable } from "node:stream";
import { isAppError, type ErrorCode } from "@bucketbridge/core";
import type { ObjectInfo, ReadResult } from "@bucketbridge/storage";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { OpenStore } from "../../stores/stores.ts";
import { matchesEtag } from "../conditional.ts";
import { mediaTypeOf } from "../media-type.ts";
import { toObjectHeaders } from "../object-headers.ts";
import { parseRange, toContentRange, type BodyRange } from "../range.ts";

/** A file and the store that has it, which is closed once the file was sent. */
export interface FoundFile {
  readonly open: OpenStore;
  readonly info: ObjectInfo;
}

/** Answers of the driver that mean "no such file for you"; which of them it was is nobody's business. */
const ABSENT: ReadonlySet<ErrorCode> = new Set([
  "not_found",
  "permission_denied",
  "invalid_input",
  "unsupported",
]);

/** A file that is written all the time is sent as it was at one of these tries, or not at all. */
const MAX_TRIES = 5;

/** True when a file is to be answered as one that does not exist. */
export function isAbsent(error: unknown): boolean {
  return isAppError(error) && ABSENT.has(error.code);
}

/** Range and conditions as the contract has them: what cannot be satisfied is the whole file, never 416. */
export async function sendFile(
  found: FoundFile,
  request: FastifyRequest,
  reply: FastifyReply,
  signal: AbortSignal,
): Promise<FastifyReply> {
  const { open, info } = found;
  if (matchesEtag(request.headers["if-none-match"], toEtag(info))) {
    await open.close();
    return describeFile(reply, info).code(304).send();
  }
  if (request.method === "HEAD") {
    await open.close();
    return describePart(reply, info, parseRange(request.headers.range, info.size)).send();
  }
  let part: OpenPart;
  try {
    part = await openPart(found, request.headers.range, signal);
  } catch (error) {
    await open.close();
    if (isAbsent(error)) return reply.code(404).send();
    throw error;
  }
  const body = Readable.from(closingAfter(part.body, open));
  return describePart(reply, part.info, part.range).send(body);
}

interface OpenPart extends ReadResult {
  readonly range: BodyRange | undefined;
}

/** Length and range are told of the very version that is sent: one that was replaced since it was looked at is looked at anew. */
async function openPart(
  { open: { store }, info }: FoundFile,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<OpenPart> {
  let known = info;
  for (let tries = 1; ; tries++) {
    const range = parseRange(wanted, known.size);
    const version = known.etag === undefined ? {} : { ifEtag: known.etag };
    try {
      const read = await store.read(
        known.key,
        { ...version, ...(range === undefined ? {} : { range }) },
        { signal },
      );
      return { ...read, range };
    } catch (error) {
      if (!isAppError(error, "precondition_failed") || tries === MAX_TRIES) throw error;
      known = await store.stat(known.key, { signal });
    }
  }
}

function describePart(
  reply: FastifyReply,
  info: ObjectInfo,
  range: BodyRange | undefined,
): FastifyReply {
  describeFile(reply, info).header("content-length", String(range?.length ?? info.size));
  if (range === undefined) return reply;
  return reply.code(206).header("content-range", toContentRange(range, info.size));
}

function describeFile(reply: FastifyReply, info: ObjectInfo): FastifyReply {
  return reply.headers({ ...toObjectHeaders(mediaTypeOf(info.key), info.key), etag: toEtag(info) });
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
