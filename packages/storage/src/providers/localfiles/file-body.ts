import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { LocalFilesFault } from "./errors.ts";

/** Large enough for full speed, small enough for many bodies at once. */
const CHUNK_BYTES = 256 * 1024;

/** What tells one version of a file from another. */
export function etagOf(stats: Pick<BigIntStats, "mtimeNs" | "size" | "ino">): string {
  return [stats.mtimeNs, stats.size, stats.ino].map((part) => part.toString(36)).join("-");
}

/** Which bytes of which version. */
export interface FileBodyOptions {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly etag: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * The bytes of an open file, which it closes: at the end, when it is given back, on failure and when the signal is
 * aborted. A file that changes while it is read rejects with `precondition_failed` instead of giving mixed content.
 */
export class FileBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #handle: FileHandle;
  readonly #options: FileBodyOptions;
  readonly #onAbort = (): void => {
    this.#close().catch(() => undefined);
  };
  #position: number;
  #closed: Promise<void> | undefined;

  constructor(handle: FileHandle, options: FileBodyOptions) {
    this.#handle = handle;
    this.#options = options;
    this.#position = options.start;
    options.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { signal } = this.#options;
    if (this.#closed !== undefined && !signal.aborted) return { done: true, value: undefined };
    try {
      signal.throwIfAborted();
      const value = await this.#readChunk();
      if (value !== undefined) return { done: false, value };
      await this.#assertUnchanged();
    } catch (error) {
      await this.#close();
      throw error;
    }
    return this.return();
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#close();
    return { done: true, value: undefined };
  }

  async #readChunk(): Promise<Uint8Array | undefined> {
    const wanted = Math.min(CHUNK_BYTES, this.#options.end - this.#position);
    if (wanted <= 0) return undefined;
    const buffer = Buffer.allocUnsafe(wanted);
    const { bytesRead } = await this.#handle.read(buffer, 0, wanted, this.#position);
    if (bytesRead === 0) throw changedMeanwhile();
    this.#position += bytesRead;
    return buffer.subarray(0, bytesRead);
  }

  async #assertUnchanged(): Promise<void> {
    const stats = await this.#handle.stat({ bigint: true });
    if (etagOf(stats) !== this.#options.etag) throw changedMeanwhile();
  }

  #close(): Promise<void> {
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#closed ??= this.#handle.close();
    return this.#closed;
  }
}

function changedMeanwhile(): LocalFilesFault {
  return new LocalFilesFault({
    code: "precondition_failed",
    reason: "localfiles.changed",
    detail: "the file changed while it was read",
    hint: "write files under another name and rename them when they are complete",
  });
}
