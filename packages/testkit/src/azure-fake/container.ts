import { lowerBound } from "../s3-fake/bucket.ts";

/** A blob as the fake keeps it. */
export interface StoredBlob {
  readonly body: Buffer;
  /** Without quotes; another one after each write, also of the same bytes. */
  readonly etag: string;
  readonly modifiedAt: Date;
  readonly contentType: string;
}

let writes = 0;

/** Blobs by name, and the names in Azure's order. */
export class Container {
  readonly #blobs = new Map<string, StoredBlob>();
  readonly #names: string[] = [];

  /** All names, ascending by UTF-8 bytes. */
  get names(): readonly string[] {
    return this.#names;
  }

  find(name: string): StoredBlob | undefined {
    return this.#blobs.get(name);
  }

  put(name: string, body: Uint8Array, contentType = "application/octet-stream"): StoredBlob {
    writes += 1;
    const etag = `0x8DE${(0x1000000 + writes).toString(16).toUpperCase()}`;
    const blob = { body: Buffer.from(body), etag, modifiedAt: new Date(), contentType };
    if (!this.#blobs.has(name)) this.#names.splice(lowerBound(this.#names, name), 0, name);
    this.#blobs.set(name, blob);
    return blob;
  }

  delete(name: string): boolean {
    if (!this.#blobs.delete(name)) return false;
    this.#names.splice(lowerBound(this.#names, name), 1);
    return true;
  }

  clear(): void {
    this.#blobs.clear();
    this.#names.length = 0;
  }
}
