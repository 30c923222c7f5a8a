import { createHash } from "node:crypto";
import { lowerBound } from "../s3-fake/bucket.ts";
import { crc32c } from "./crc32c.ts";

/** An object as the fake keeps it. */
export interface GcsObject {
  readonly name: string;
  readonly body: Buffer;
  /** Rises with each write. */
  readonly generation: string;
  readonly contentType: string;
  readonly updated: Date;
  readonly md5Hash: string;
  readonly crc32c: string;
  readonly kmsKeyName: string | undefined;
}

/** What goes with the bytes of an object. */
export interface GcsObjectOptions {
  readonly contentType?: string | undefined;
  readonly kmsKeyName?: string | undefined;
}

/** Generations are microseconds at Google; here they also never repeat. */
let lastGeneration = Date.now() * 1_000;

/** A bucket: objects by name, and the names in Google's order (UTF-8 bytes). */
export class GcsBucket {
  readonly name: string;
  readonly keys: string[] = [];
  readonly #objects = new Map<string, GcsObject>();

  constructor(name: string) {
    this.name = name;
  }

  find(key: string): GcsObject | undefined {
    return this.#objects.get(key);
  }

  put(key: string, body: Uint8Array, options: GcsObjectOptions = {}): GcsObject {
    if (!this.#objects.has(key)) this.keys.splice(lowerBound(this.keys, key), 0, key);
    const bytes = Buffer.from(body);
    lastGeneration += 1;
    const object: GcsObject = {
      name: key,
      body: bytes,
      generation: String(lastGeneration),
      contentType: options.contentType ?? "application/octet-stream",
      updated: new Date(),
      md5Hash: createHash("md5").update(bytes).digest("base64"),
      crc32c: crc32c(bytes),
      kmsKeyName: options.kmsKeyName,
    };
    this.#objects.set(key, object);
    return object;
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.keys.splice(lowerBound(this.keys, key), 1);
  }

  clear(): void {
    this.#objects.clear();
    this.keys.length = 0;
  }
}

/** The resource of the JSON API. */
export function toResource(bucket: GcsBucket, object: GcsObject): Record<string, unknown> {
  const { name, generation, contentType, body, md5Hash, updated, kmsKeyName } = object;
  return {
    kind: "storage#object",
    id: `${bucket.name}/${name}/${generation}`,
    name,
    bucket: bucket.name,
    generation,
    metageneration: "1",
    contentType,
    storageClass: "STANDARD",
    size: String(body.length),
    md5Hash,
    crc32c: object.crc32c,
    etag: Buffer.from(`etag ${generation}`).toString("base64"),
    timeCreated: updated.toISOString(),
    updated: updated.toISOString(),
    ...(kmsKeyName === undefined ? {} : { kmsKeyName: `${kmsKeyName}/cryptoKeyVersions/1` }),
  };
}
