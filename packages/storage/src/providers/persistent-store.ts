import { createHash } from "node:crypto";
import { AppError } from "@bucketbridge/core";
import type { ByteRange, DriverTraits, OpContext } from "../driver.ts";
import type { ObjectStore } from "../object-store.ts";

/**
 * A file is kept in objects of this size, so that neither writing nor reading holds more than one of them, whatever the store
 * takes in one request and however large the file is.
 */
export const PART_BYTES = 8 * 1024 ** 2;

/** A file as whoever stored it remembers it. */
export interface PersistentFile {
  readonly key: string;
  readonly size: number;
}

/** What is known of a file once all of it was stored. */
export interface StoredFile extends PersistentFile {
  /** Hexadecimal. */
  readonly sha256: string;
  /** Hexadecimal; the contract shows it. */
  readonly md5: string;
}

/** How a file is stored. */
export interface PutFileOptions {
  readonly contentType: string;
  /** A longer file is refused as `invalid_input` / `persistence.too_large`; nothing of it stays. */
  readonly maxBytes: number;
}

/** One object of the store, as a migration sees it. */
export interface PersistentObject {
  readonly key: string;
  readonly size: number;
}

/**
 * The installation's own files (uploads, export snapshots) in one of the operator's stores. A file of up to 8 MiB is the object
 * of its key; the rest of a longer one lies in objects `<key>~00001`, `<key>~00002` …. Who stores a file remembers its size;
 * a file counts once that was written down, so that one that was cut off is never seen.
 */
export class PersistentStore {
  readonly #store: ObjectStore;
  readonly #partBytes: number;

  /** `partBytes`: less in tests; the same for writing and reading. */
  constructor(store: ObjectStore, partBytes = PART_BYTES) {
    this.#store = store;
    this.#partBytes = partBytes;
  }

  /** What errors name: `s3://bucket/prefix`, a folder. */
  get place(): string {
    return this.#store.place;
  }

  /** Behaviours of the store behind it; ranges of files can always be read. */
  get traits(): DriverTraits {
    return { ...this.#store.traits, rangeRead: true };
  }

  /** Stores a file, replacing one of the same key. What was written of a file that fails is taken away again. */
  async put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    { contentType, maxBytes }: PutFileOptions,
    ctx: OpContext,
  ): Promise<StoredFile> {
    const sha256 = createHash("sha256");
    const md5 = createHash("md5");
    let size = 0;
    let parts = 0;
    try {
      for await (const part of toParts(body, this.#partBytes)) {
        size += part.byteLength;
        if (size > maxBytes) throw tooLarge(maxBytes);
        sha256.update(part);
        md5.update(part);
        await this.#store.put({ key: partKey(key, parts), body: part, contentType }, ctx);
        parts++;
      }
    } catch (error) {
      await this.#remove(key, parts);
      throw error;
    }
    return { key, size, sha256: sha256.digest("hex"), md5: md5.digest("hex") };
  }

  /** The bytes of a file, or of a range inside it. A missing part rejects the iteration with `not_found`. */
  async *read(
    { key, size }: PersistentFile,
    range: Required<ByteRange> | undefined,
    ctx: OpContext,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const start = range?.offset ?? 0;
    const end = Math.min(size, start + (range?.length ?? size));
    for (let at = start; at < end;) {
      const part = Math.floor(at / this.#partBytes);
      const offset = at - part * this.#partBytes;
      const length = Math.min(end - at, this.#partBytes - offset);
      const { body } = await this.#store.read(
        partKey(key, part),
        { range: { offset, length } },
        ctx,
      );
      yield* body;
      at += length;
    }
  }

  /** Gone already is success. */
  async delete({ key, size }: PersistentFile, ctx: OpContext): Promise<void> {
    const parts = Math.max(1, Math.ceil(size / this.#partBytes));
    for (let part = 0; part < parts; part++) await this.#store.delete(partKey(key, part), ctx);
  }

  /** Every object below a folder, in pages. */
  async *objects(
    prefix: string,
    ctx: OpContext,
  ): AsyncGenerator<readonly PersistentObject[], void, undefined> {
    for await (const { keys, sizes } of this.#store.pages({ prefix, recursive: true }, ctx))
      yield keys.map((key, index) => ({ key, size: sizes[index] ?? 0 }));
  }

  /** Deletes every object below a folder that `isWanted` does not name. */
  async sweep(prefix: string, isWanted: (key: string) => boolean, ctx: OpContext): Promise<void> {
    for await (const objects of this.objects(prefix, ctx))
      for (const { key } of objects) if (!isWanted(key)) await this.#store.delete(key, ctx);
  }

  /** The store itself, for copying object by object. */
  get raw(): Pick<ObjectStore, "stat" | "read" | "put"> {
    return this.#store;
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** The caller's signal may be the reason why nothing more is wanted, so that it cannot be asked. */
  async #remove(key: string, parts: number): Promise<void> {
    const ctx = { signal: AbortSignal.timeout(CLEAN_UP_MS) };
    const removals = Array.from({ length: parts }, (_, part) =>
      this.#store.delete(partKey(key, part), ctx),
    );
    await Promise.allSettled(removals);
  }
}

const CLEAN_UP_MS = 10_000;

function partKey(key: string, part: number): string {
  return part === 0 ? key : `${key}~${String(part).padStart(5, "0")}`;
}

/** Parts of equal size but the last; an empty body is one empty part. */
async function* toParts(
  body: AsyncIterable<Uint8Array>,
  partBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let chunks: Uint8Array[] = [];
  let held = 0;
  let hasPart = false;
  for await (let chunk of body) {
    while (held + chunk.byteLength >= partBytes) {
      const taken = partBytes - held;
      yield Buffer.concat([...chunks, chunk.subarray(0, taken)]);
      hasPart = true;
      chunk = chunk.subarray(taken);
      chunks = [];
      held = 0;
    }
    if (chunk.byteLength === 0) continue;
    chunks.push(chunk);
    held += chunk.byteLength;
  }
  if (held > 0 || !hasPart) yield Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): AppError {
  return new AppError({
    code: "invalid_input",
    reason: "persistence.too_large",
    message: `the file is larger than the ${String(maxBytes)} bytes that are allowed`,
  });
}
