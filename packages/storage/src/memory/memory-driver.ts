import { createHash } from "node:crypto";
import { compareKeys, type ErrorCode } from "@bucketbridge/core";
import { wrapBody } from "../body.ts";
import type {
  DriverTraits,
  ErrorClass,
  ListPage,
  ListRequest,
  ObjectInfo,
  OpContext,
  PresignOptions,
  PutRequest,
  ReadRequest,
  ReadResult,
  StorageDriver,
} from "../driver.ts";

/** How a memory driver differs from the one that can do everything. */
export interface MemoryDriverOptions {
  readonly traits?: Partial<DriverTraits>;
  /** Bytes per chunk of a body. */
  readonly chunkBytes?: number;
  /** Milliseconds since the epoch, for signed URLs; default `Date.now`. */
  readonly now?: () => number;
}

const ALL_TRAITS: DriverTraits = {
  order: "key",
  listAfter: true,
  rangeRead: true,
  putConditions: ["absent", "etag"],
  etag: "version",
  keyForm: "any",
  maxKeyBytes: 1_024,
  pageSize: 1_000,
};

/** What the memory driver throws; `classifyError` knows it. */
class MemoryFault extends Error {
  override readonly name = "MemoryFault";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

interface StoredObject {
  readonly body: Uint8Array;
  readonly info: ObjectInfo;
}

/** A signed URL of the memory driver: what it allows, until when. */
interface Grant {
  readonly key: string;
  readonly options: PresignOptions;
  readonly expiresAtMs: number;
}

/** What fetching a signed URL of the memory driver gives. */
export interface MemoryResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * A bucket in memory for tests: every behaviour of the seam, etags that change with each write. Each read sees the
 * object as it was when it was opened.
 */
export class MemoryDriver implements StorageDriver {
  readonly traits: DriverTraits;
  /** Bodies that were opened and neither read to the end nor given back. */
  openBodies = 0;
  readonly #chunkBytes: number;
  readonly #now: () => number;
  readonly #objects = new Map<string, StoredObject>();
  readonly #grants = new Map<string, Grant>();
  #sortedKeys: readonly string[] | undefined;
  #writes = 0;

  constructor(options: MemoryDriverOptions = {}) {
    this.traits = { ...ALL_TRAITS, ...options.traits };
    this.#chunkBytes = options.chunkBytes ?? 65_536;
    this.#now = options.now ?? Date.now;
  }

  listPage(request: ListRequest, ctx: OpContext): Promise<ListPage> {
    return this.#answer(ctx, () => {
      const keys = this.#listedKeys(request);
      const page = keys.slice(0, request.limit);
      const infos = page.map((key) => this.#find(key).info);
      return {
        keys: page,
        sizes: infos.map((info) => info.size),
        etags: infos.map((info) => info.etag ?? ""),
        modified: infos.map((info) => info.modifiedAt?.getTime() ?? 0),
        ...(keys.length > page.length ? { cursor: `after:${page.at(-1) ?? ""}` } : {}),
      };
    });
  }

  stat(key: string, ctx: OpContext): Promise<ObjectInfo> {
    return this.#answer(ctx, () => this.#find(key).info);
  }

  read({ key, range, ifEtag }: ReadRequest, ctx: OpContext): Promise<ReadResult> {
    return this.#answer(ctx, () => {
      const { body, info } = this.#find(key);
      if (ifEtag !== undefined && ifEtag !== info.etag)
        throw new MemoryFault("precondition_failed", "another version");
      if (range !== undefined && range.offset >= info.size)
        throw new MemoryFault("invalid_input", "range behind the end");
      const start = range?.offset ?? 0;
      const part = body.subarray(
        start,
        range?.length === undefined ? undefined : start + range.length,
      );
      return { info, body: this.#stream(part, ctx.signal) };
    });
  }

  put({ key, body, contentType, condition }: PutRequest, ctx: OpContext): Promise<ObjectInfo> {
    return this.#answer(ctx, () => {
      const existing = this.#objects.get(key);
      if (condition?.kind === "absent" && existing !== undefined)
        throw new MemoryFault("already_exists", "it exists");
      if (condition?.kind === "etag" && existing?.info.etag !== condition.etag) {
        throw new MemoryFault("precondition_failed", "another version");
      }
      return this.write(key, body, contentType);
    });
  }

  delete(key: string, ctx: OpContext): Promise<void> {
    return this.#answer(ctx, () => {
      if (this.#objects.delete(key)) this.#sortedKeys = undefined;
    });
  }

  presignRead(key: string, options: PresignOptions, ctx: OpContext): Promise<URL> {
    return this.#answer(ctx, () => {
      const url = new URL(`https://memory.invalid/${encodeURIComponent(key)}`);
      const windowMs = (options.windowSeconds ?? 0) * 1_000;
      const nowMs = this.#now();
      const signedAtMs = windowMs === 0 ? nowMs : Math.floor(nowMs / windowMs) * windowMs;
      const grant = { key, options, expiresAtMs: signedAtMs + options.ttlSeconds * 1_000 };
      url.searchParams.set("sig", createHash("sha256").update(JSON.stringify(grant)).digest("hex"));
      this.#grants.set(url.href, grant);
      return url;
    });
  }

  classifyError(error: unknown): ErrorClass | undefined {
    return error instanceof MemoryFault ? { code: error.code, detail: error.message } : undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Stores an object past every decorator; `etag` and `version` change with each call. */
  write(key: string, body: Uint8Array, contentType?: string): ObjectInfo {
    this.#writes++;
    const info: ObjectInfo = {
      key,
      size: body.byteLength,
      ...(this.traits.etag === "none" ? {} : { etag: this.#etag(body) }),
      version: String(this.#writes),
      modifiedAt: new Date(),
      contentType,
    };
    if (!this.#objects.has(key)) this.#sortedKeys = undefined;
    this.#objects.set(key, { body: Uint8Array.from(body), info });
    return info;
  }

  /** Removes everything. */
  clear(): void {
    this.#objects.clear();
    this.#sortedKeys = undefined;
  }

  /** What a web client without credentials gets for a signed URL. */
  fetch(url: URL, method: "GET" | "HEAD"): MemoryResponse {
    const grant = this.#grants.get(url.href);
    const refused =
      grant === undefined || grant.expiresAtMs <= this.#now() || grant.options.method !== method;
    if (refused) return { status: 403, headers: {}, body: new Uint8Array() };
    const found = this.#objects.get(grant.key);
    if (found === undefined) return { status: 404, headers: {}, body: new Uint8Array() };
    const { contentType = found.info.contentType, disposition } = grant.options;
    return {
      status: 200,
      headers: {
        ...(contentType === undefined ? {} : { "content-type": contentType }),
        ...(disposition === undefined ? {} : { "content-disposition": disposition }),
      },
      body: method === "HEAD" ? new Uint8Array() : found.body,
    };
  }

  #etag(body: Uint8Array): string {
    if (this.traits.etag === "version") return `v${String(this.#writes)}`;
    return createHash("md5").update(body).digest("hex");
  }

  #listedKeys({ prefix, recursive, after, cursor, limit }: ListRequest): readonly string[] {
    const start = cursor?.slice("after:".length) ?? after;
    const all = this.#keys();
    const found: string[] = [];
    for (
      let index = start === undefined ? 0 : firstAfter(all, start);
      index < all.length;
      index++
    ) {
      const key = all[index] ?? "";
      if (!key.startsWith(prefix) || (!recursive && key.includes("/", prefix.length))) continue;
      // One more than the page tells whether there is a next one.
      if (found.push(key) > limit) break;
    }
    return found;
  }

  #keys(): readonly string[] {
    this.#sortedKeys ??= [...this.#objects.keys()].sort(compareKeys);
    return this.#sortedKeys;
  }

  #find(key: string): StoredObject {
    const found = this.#objects.get(key);
    if (found === undefined) throw new MemoryFault("not_found", "no such key");
    return found;
  }

  #stream(bytes: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array> {
    this.openBodies++;
    return wrapBody(chunksOf(bytes, this.#chunkBytes, signal), {
      end: () => {
        this.openBodies--;
      },
    });
  }

  /** Answers in a later turn, as a store does, and not at all after an abort. */
  async #answer<T>(ctx: OpContext, action: () => T): Promise<T> {
    ctx.signal.throwIfAborted();
    await Promise.resolve();
    return action();
  }
}

async function* chunksOf(
  bytes: Uint8Array,
  chunkBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += chunkBytes) {
    signal.throwIfAborted();
    yield await Promise.resolve(bytes.slice(offset, offset + chunkBytes));
  }
}

/** Index of the first key that is greater than `start`. */
function firstAfter(keys: readonly string[], start: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle] ?? "", start) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
