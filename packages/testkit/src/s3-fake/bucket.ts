import { createHash } from "node:crypto";
import { compareKeys } from "@bucketbridge/core";
import type { S3BucketOptions } from "./options.ts";
import type { PreRenderedListing } from "./pre-rendered.ts";

/** An object as the fake keeps it. Large ones are made while they are read. */
export interface StoredObject {
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedAt: Date;
  readonly contentType: string;
  /** Server-side encryption headers of the PUT, given back with each answer. */
  readonly encryption: Readonly<Record<string, string>>;
  /** Bytes from `offset`, at most `length` of them. */
  chunks(offset: number, length: number): Iterable<Buffer>;
}

/** A bucket: objects by key, and the keys in S3's order (UTF-8 bytes). */
export class Bucket {
  readonly name: string;
  readonly region: string;
  readonly wrongRegion: "redirect" | "malformed";
  readonly corsOrigins: readonly string[];
  /** Set: listings come from here and the bucket has no other objects. */
  preRendered: PreRenderedListing | undefined;
  readonly #objects = new Map<string, StoredObject>();
  readonly #keys: string[] = [];

  constructor(options: S3BucketOptions, defaultRegion: string) {
    this.name = options.name;
    this.region = options.region ?? defaultRegion;
    this.wrongRegion = options.wrongRegion ?? "redirect";
    this.corsOrigins = options.corsOrigins ?? [];
  }

  /** All keys, ascending by UTF-8 bytes. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  find(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  put(key: string, object: StoredObject): void {
    if (!this.#objects.has(key)) this.#keys.splice(lowerBound(this.#keys, key), 0, key);
    this.#objects.set(key, object);
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.#keys.splice(lowerBound(this.#keys, key), 1);
  }

  clear(): void {
    this.#objects.clear();
    this.#keys.length = 0;
  }
}

/** Index of the first key that is not less than `key`. */
export function lowerBound(keys: readonly string[], key: string): number {
  // New keys mostly come in order.
  let low = compareKeys(keys.at(-1) ?? "", key) < 0 ? keys.length : 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(keys[middle] ?? "", key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What goes with the bytes of an object. */
export interface StoredHeaders {
  readonly contentType?: string | undefined;
  readonly encryption?: Readonly<Record<string, string>> | undefined;
  readonly modifiedAt?: Date | undefined;
}

/** What goes with a generated object. */
export interface PatternHeaders extends StoredHeaders {
  /** What the object begins with instead of the pattern; part of its size, at most 64 KiB. */
  readonly start?: string | undefined;
}

/** An object with these bytes. Its etag is the MD5, as for a simple PUT without a customer's key. */
export function storedBytes(body: Uint8Array, headers: StoredHeaders = {}): StoredObject {
  const bytes = Buffer.from(body);
  return {
    size: bytes.length,
    etag: createHash("md5").update(bytes).digest("hex"),
    modifiedAt: headers.modifiedAt ?? new Date(),
    contentType: headers.contentType ?? "binary/octet-stream",
    encryption: headers.encryption ?? {},
    chunks: (offset, length) => [bytes.subarray(offset, offset + length)],
  };
}

const GENERATED_CHUNK = Buffer.alloc(64 * 1024, "0123456789abcdef");

/** An object of `size` bytes, the text 0123456789abcdef over and over, that takes no memory. */
export function storedPattern(size: number, headers: PatternHeaders = {}): StoredObject {
  const first = Buffer.from(GENERATED_CHUNK);
  first.write(headers.start ?? "");
  return {
    size,
    etag: createHash("md5")
      .update(`pattern ${String(size)} ${headers.start ?? ""}`)
      .digest("hex"),
    modifiedAt: headers.modifiedAt ?? new Date(),
    contentType: headers.contentType ?? "binary/octet-stream",
    encryption: headers.encryption ?? {},
    *chunks(offset, length) {
      const end = Math.min(size, offset + length);
      for (let at = offset; at < end;) {
        const start = at % GENERATED_CHUNK.length;
        const source = at < first.length ? first : GENERATED_CHUNK;
        const chunk = source.subarray(start, start + Math.min(end - at, source.length - start));
        yield chunk;
        at += chunk.length;
      }
    },
  };
}
