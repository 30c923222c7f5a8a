import type { ByteRange } from "../../driver.ts";
import type { RedisClient } from "./client.ts";
import { RedisFault } from "./errors.ts";
import { toText } from "./resp.ts";

/** As Redis documents it: a string holds at most 512 MiB. A server that claims more is not believed. */
export const MAX_VALUE_BYTES = 512 * 1024 * 1024;

/** Values up to this size come in one answer, which no writer can change in the middle. */
const WHOLE_BYTES = 4 * 1024 * 1024;

/** Larger ones come in pieces of this size, so that memory does not grow with them. */
const PIECE_BYTES = 1024 * 1024;

/** The bytes of a value. A missing key is `not_found`, another type `WRONGTYPE`, a size beyond the limit `redis.value_too_large`. */
export async function findSize(
  client: RedisClient,
  key: string,
  signal: AbortSignal,
): Promise<number> {
  const size = await client.run((session) => session.send("STRLEN", key), signal);
  if (typeof size !== "number" || size < 0) throw missing();
  if (size > MAX_VALUE_BYTES) throw tooLarge("corrupt_data", size);
  if (size > 0) return size;
  // An empty string and no key at all have the same length.
  const type = await client.run((session) => session.send("TYPE", key), signal);
  if (toText(type) === "none") throw missing();
  return 0;
}

/** A value that is being read. */
export interface OpenValue {
  /** Of the whole value. */
  readonly size: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Opens a value, or a part of it. Small values are read at once. Of larger ones every piece is read with the length of the
 * value: another length is `precondition_failed`. Redis has no versions, so a large value that is overwritten by one of the
 * same length while it is read may come as a mixture.
 */
export async function openValue(
  client: RedisClient,
  { key, range }: { readonly key: string; readonly range?: ByteRange | undefined },
  signal: AbortSignal,
): Promise<OpenValue> {
  const size = await findSize(client, key, signal);
  const start = range?.offset ?? 0;
  if (range !== undefined && start >= size) throw beyondEnd(size);
  if (range === undefined && size <= WHOLE_BYTES) return readWhole(client, key, signal);
  const end = Math.min(size, start + (range?.length ?? size));
  return { size, body: readPieces(client, { key, size, start, end }, signal) };
}

async function readWhole(
  client: RedisClient,
  key: string,
  signal: AbortSignal,
): Promise<OpenValue> {
  const value = await client.run((session) => session.send("GET", key), signal);
  if (!Buffer.isBuffer(value)) throw missing();
  return { size: value.length, body: oneChunk(value, signal) };
}

// eslint-disable-next-line @typescript-eslint/require-await -- a body is read asynchronously, this one is already here
async function* oneChunk(value: Buffer, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < value.length; at += PIECE_BYTES) {
    signal.throwIfAborted();
    yield value.subarray(at, at + PIECE_BYTES);
  }
}

interface Part {
  readonly key: string;
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

async function* readPieces(
  client: RedisClient,
  { key, size, start, end }: Part,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += PIECE_BYTES) {
    const last = Math.min(end, at + PIECE_BYTES) - 1;
    const [length, piece] = await client.run(
      (session) =>
        Promise.all([
          session.send("STRLEN", key),
          session.send("GETRANGE", key, String(at), String(last)),
        ]),
      signal,
    );
    if (length !== size || !Buffer.isBuffer(piece) || piece.length !== last - at + 1)
      throw new RedisFault({
        code: "precondition_failed",
        reason: "redis.changed",
        detail: "the value has changed while it was read",
      });
    yield piece;
  }
}

/** Neither read nor written. */
export function tooLarge(code: "corrupt_data" | "invalid_input", size: number): RedisFault {
  return new RedisFault({
    code,
    reason: "redis.value_too_large",
    detail: `the value has ${String(size)} bytes, at most ${String(MAX_VALUE_BYTES)} are possible`,
  });
}

function missing(): RedisFault {
  return new RedisFault({
    code: "not_found",
    reason: "redis.key_not_found",
    detail: "there is no such key",
  });
}

function beyondEnd(size: number): RedisFault {
  return new RedisFault({
    code: "invalid_input",
    detail: `the range starts behind the end of its ${String(size)} bytes`,
  });
}
