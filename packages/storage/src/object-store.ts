import { AppError } from "@bucketbridge/core";
import { wrapBody } from "./body.ts";
import type {
  ByteRange,
  DriverTraits,
  ListPage,
  ObjectInfo,
  OpContext,
  PresignOptions,
  PutRequest,
  ReadResult,
  StorageDriver,
} from "./driver.ts";
import { toStoreError, type StoreOperation } from "./failure.ts";
import { keysAfter, toRelativePage } from "./page-columns.ts";
import {
  invalidInput,
  toAbsoluteKey,
  toListRequest,
  toReadRequest,
  unsupported,
  type PagesOptions,
  type ReadOptions,
  type StoreShape,
} from "./store-requests.ts";

/** How a store appears to its users. */
export interface ObjectStoreOptions {
  /** The provider's name, as errors give it. */
  readonly provider: string;
  /** What errors name: `s3://bucket/prefix`, `/data/folder`. Never a secret. */
  readonly place: string;
  /** A folder inside the bucket: every key that callers give or get is relative to it. */
  readonly root?: string | undefined;
  /** Keys per page where a caller does not say; at most what the driver can. */
  readonly pageSize?: number | undefined;
}

/** One call as its error would name it. */
interface Call {
  readonly operation: StoreOperation;
  readonly key?: string;
  readonly ctx: OpContext;
}

/**
 * The portable face of every provider: key checks, root folder, paging, error wrapping. Every rejection is an `AppError`
 * with `op` `storage.<operation>` whose message names provider, place or key, what the store said and what to do.
 * An aborted signal is `canceled`; a method or behaviour that the provider lacks is `unsupported`.
 */
export class ObjectStore {
  readonly #driver: StorageDriver;
  readonly #options: ObjectStoreOptions;
  readonly #shape: StoreShape;
  #closed = false;

  constructor(driver: StorageDriver, options: ObjectStoreOptions) {
    this.#driver = driver;
    this.#options = options;
    const root = options.root ?? "";
    this.#shape = {
      traits: driver.traits,
      root: root === "" || root.endsWith("/") ? root : `${root}/`,
      pageSize: Math.min(options.pageSize ?? Infinity, driver.traits.pageSize),
    };
  }

  /** Behaviours of the driver behind this store. */
  get traits(): DriverTraits {
    return this.#driver.traits;
  }

  /** The provider's name. */
  get provider(): string {
    return this.#options.provider;
  }

  /** What errors name: `s3://bucket/prefix`. */
  get place(): string {
    return this.#options.place;
  }

  /** True when the provider can do this at all; a refusal of the store is another matter. */
  can(method: "put" | "delete" | "presignRead"): boolean {
    return this.#driver[method] !== undefined;
  }

  /**
   * Pages of a listing until its end. Nothing is fetched ahead of the caller. Pages may be empty. Keys ascend across
   * pages when `traits.order` is `key`. A token that the store gives twice in a row is an error, so a listing ends.
   */
  async *pages(options: PagesOptions, ctx: OpContext): AsyncGenerator<ListPage, void, undefined> {
    let cursor = options.cursor;
    do {
      const page = await this.#run({ operation: "list", ctx }, () =>
        this.#page(options, cursor, ctx),
      );
      yield page;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /** A missing key is `not_found`. */
  stat(key: string, ctx: OpContext): Promise<ObjectInfo> {
    return this.#run({ operation: "stat", key, ctx }, async () =>
      this.#toRelative(await this.#driver.stat(toAbsoluteKey(this.#shape, key), ctx)),
    );
  }

  /**
   * Opens an object; a missing one rejects here. Errors in the middle of the body are wrapped like all others, and a
   * body that ends before its last byte is `unavailable`. A reader that stops early returns the iterator, which ends
   * the request: `for await` with `break` does.
   */
  read(key: string, options: ReadOptions, ctx: OpContext): Promise<ReadResult> {
    const call: Call = { operation: "read", key, ctx };
    return this.#run(call, async () => {
      const request = toReadRequest(this.#shape, key, options);
      const result = await this.#driver.read(request, ctx);
      return {
        info: this.#toRelative(result.info),
        body: this.#guardBody(result, request.range, call),
      };
    });
  }

  /** Overwrites unless `condition` says otherwise: `absent` fails as `already_exists`, `etag` as `precondition_failed`. */
  put(request: PutRequest, ctx: OpContext): Promise<ObjectInfo> {
    return this.#run({ operation: "put", key: request.key, ctx }, async () => {
      if (this.#driver.put === undefined) throw unsupported("writing");
      const condition = request.condition?.kind;
      if (condition !== undefined && !this.traits.putConditions.includes(condition)) {
        throw unsupported(`writing on the condition "${condition}"`);
      }
      return this.#toRelative(
        await this.#driver.put({ ...request, key: toAbsoluteKey(this.#shape, request.key) }, ctx),
      );
    });
  }

  /** Gone already is success. */
  delete(key: string, ctx: OpContext): Promise<void> {
    return this.#run({ operation: "delete", key, ctx }, async () => {
      if (this.#driver.delete === undefined) throw unsupported("deleting");
      await this.#driver.delete(toAbsoluteKey(this.#shape, key), ctx);
    });
  }

  /** A URL that reads one object without credentials. The object need not exist. The URL is a secret until it expires. */
  presignRead(key: string, options: PresignOptions, ctx: OpContext): Promise<URL> {
    return this.#run({ operation: "presign", key, ctx }, async () => {
      if (this.#driver.presignRead === undefined) throw unsupported("signing of URLs");
      if (!(options.ttlSeconds > 0))
        throw invalidInput("a signed URL needs a life of at least one second");
      return this.#driver.presignRead(toAbsoluteKey(this.#shape, key), options, ctx);
    });
  }

  /** Frees sockets and timers. Idempotent; every later call is an error. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#driver.close();
  }

  async #page(
    options: PagesOptions,
    cursor: string | undefined,
    ctx: OpContext,
  ): Promise<ListPage> {
    const request = toListRequest(this.#shape, options, cursor);
    const page = await this.#driver.listPage(request, ctx);
    if (page.cursor !== undefined && page.cursor === cursor) {
      throw new AppError({
        code: "internal",
        message: "the listing does not advance: its token came twice",
      });
    }
    const relative = toRelativePage(page, request.prefix, this.#shape.root);
    return options.after === undefined || this.traits.listAfter
      ? relative
      : keysAfter(relative, options.after);
  }

  #guardBody(
    result: ReadResult,
    range: ByteRange | undefined,
    call: Call,
  ): AsyncIterable<Uint8Array> {
    let missing = expectedBytes(result.info.size, range);
    return wrapBody(result.body, {
      pull: async (next) => {
        try {
          call.ctx.signal.throwIfAborted();
          const chunk = await next();
          if (chunk.done !== true) missing -= chunk.value.byteLength;
          else if (missing > 0) throw shortBody(missing);
          return chunk;
        } catch (error) {
          throw this.#wrap(call, error);
        }
      },
    });
  }

  #toRelative(info: ObjectInfo): ObjectInfo {
    const { root } = this.#shape;
    return root === "" ? info : { ...info, key: info.key.slice(root.length) };
  }

  async #run<T>(call: Call, action: () => Promise<T>): Promise<T> {
    try {
      call.ctx.signal.throwIfAborted();
      if (this.#closed) throw new AppError({ code: "internal", message: "the store is closed" });
      return await action();
    } catch (error) {
      throw this.#wrap(call, error);
    }
  }

  #wrap(call: Call, error: unknown): AppError {
    return toStoreError(
      { ...call, ...this.#options, driver: this.#driver, signal: call.ctx.signal },
      error,
    );
  }
}

function expectedBytes(size: number, range: ByteRange | undefined): number {
  if (range === undefined) return size;
  return Math.min(range.length ?? Infinity, size - range.offset);
}

function shortBody(missing: number): AppError {
  return new AppError({
    code: "unavailable",
    message: `the body ended ${String(missing)} bytes too early`,
  });
}
