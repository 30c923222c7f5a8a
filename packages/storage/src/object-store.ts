import { AppError, utf8Length } from "@bucketbridge/core";
import { wrapBody } from "./body.ts";
import type {
  ByteRange,
  DriverTraits,
  ListPage,
  ListRequest,
  ObjectInfo,
  OpContext,
  PresignOptions,
  PutRequest,
  ReadRequest,
  ReadResult,
  StorageDriver,
} from "./driver.ts";
import { toStoreError, type StoreOperation } from "./failure.ts";
import { keysAfter, toRelativePage } from "./page-columns.ts";

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

/** Which objects, and where to start. */
export interface PagesOptions {
  /** Plain string prefix below the root. With `recursive: false` it is "" or ends with "/". */
  readonly prefix?: string | undefined;
  /** Default true. False: direct children of `prefix` only. */
  readonly recursive?: boolean | undefined;
  /** Only keys strictly greater than this by UTF-8 bytes. Works with every driver; cheap where `traits.listAfter`. */
  readonly after?: string | undefined;
  /** Goes on with the page behind this token of an earlier listing of the same prefix. */
  readonly cursor?: string | undefined;
  /** Keys per page at most. */
  readonly limit?: number | undefined;
}

/** Which part of which content of an object. */
export interface ReadOptions {
  /** A start at or behind the end is `invalid_input`; an end behind it is cut. `unsupported` without `traits.rangeRead`. */
  readonly range?: ByteRange | undefined;
  /** Another content at the store is `precondition_failed`. `unsupported` where `traits.etag` is `none`. */
  readonly ifEtag?: string | undefined;
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
  readonly #root: string;
  #closed = false;

  constructor(driver: StorageDriver, options: ObjectStoreOptions) {
    this.#driver = driver;
    this.#options = options;
    const root = options.root ?? "";
    this.#root = root === "" || root.endsWith("/") ? root : `${root}/`;
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
      this.#toRelative(await this.#driver.stat(this.#toAbsolute(key), ctx)),
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
      const request = this.#readRequest(key, options);
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
        await this.#driver.put({ ...request, key: this.#toAbsolute(request.key) }, ctx),
      );
    });
  }

  /** Gone already is success. */
  delete(key: string, ctx: OpContext): Promise<void> {
    return this.#run({ operation: "delete", key, ctx }, async () => {
      if (this.#driver.delete === undefined) throw unsupported("deleting");
      await this.#driver.delete(this.#toAbsolute(key), ctx);
    });
  }

  /** A URL that reads one object without credentials. The object need not exist. The URL is a secret until it expires. */
  presignRead(key: string, options: PresignOptions, ctx: OpContext): Promise<URL> {
    return this.#run({ operation: "presign", key, ctx }, async () => {
      if (this.#driver.presignRead === undefined) throw unsupported("signing of URLs");
      if (!(options.ttlSeconds > 0))
        throw invalidInput("a signed URL needs a life of at least one second");
      return this.#driver.presignRead(this.#toAbsolute(key), options, ctx);
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
    const request = this.#listRequest(options, cursor);
    const page = await this.#driver.listPage(request, ctx);
    if (page.cursor !== undefined && page.cursor === cursor) {
      throw new AppError({
        code: "internal",
        message: "the listing does not advance: its token came twice",
      });
    }
    const relative = toRelativePage(page, request.prefix, this.#root);
    return options.after === undefined || this.traits.listAfter
      ? relative
      : keysAfter(relative, options.after);
  }

  #listRequest(options: PagesOptions, cursor: string | undefined): ListRequest {
    const { prefix = "", recursive = true, after } = options;
    if (!recursive && prefix !== "" && !prefix.endsWith("/")) {
      throw invalidInput('a prefix that is listed without its folders must end in "/"');
    }
    const limit = options.limit ?? this.#options.pageSize ?? this.traits.pageSize;
    return {
      prefix: this.#root + prefix,
      recursive,
      limit: Math.max(1, Math.min(limit, this.traits.pageSize)),
      ...(cursor === undefined ? {} : { cursor }),
      ...(after === undefined || !this.traits.listAfter ? {} : { after: this.#root + after }),
    };
  }

  #readRequest(key: string, { range, ifEtag }: ReadOptions): ReadRequest {
    if (range !== undefined && !this.traits.rangeRead) throw unsupported("reading of a part");
    if (ifEtag !== undefined && this.traits.etag === "none")
      throw unsupported("reading of one version");
    if (range !== undefined && !isRange(range)) throw invalidInput("the range to read is not one");
    // Everything from 0 is no range: an empty object has none that a store could answer.
    const isPart = range !== undefined && (range.offset > 0 || range.length !== undefined);
    return {
      key: this.#toAbsolute(key),
      ...(isPart ? { range } : {}),
      ...(ifEtag === undefined ? {} : { ifEtag }),
    };
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

  #toAbsolute(key: string): string {
    const absolute = this.#root + key;
    if (key === "") throw invalidInput("a key must not be empty");
    if (key.includes("\u0000") || !key.isWellFormed()) {
      throw invalidInput("a key must not hold U+0000 or half of a surrogate pair");
    }
    const bytes = utf8Length(absolute);
    if (bytes > this.traits.maxKeyBytes) {
      throw invalidInput(
        `the key has ${String(bytes)} bytes, at most ${String(this.traits.maxKeyBytes)} are taken`,
      );
    }
    return absolute;
  }

  #toRelative(info: ObjectInfo): ObjectInfo {
    return this.#root === "" ? info : { ...info, key: info.key.slice(this.#root.length) };
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

function unsupported(what: string): AppError {
  return new AppError({
    code: "unsupported",
    message: `${what} is not possible with this provider`,
  });
}

function invalidInput(message: string): AppError {
  return new AppError({ code: "invalid_input", message });
}

function isRange({ offset, length }: ByteRange): boolean {
  return (
    Number.isSafeInteger(offset) &&
    offset >= 0 &&
    (length === undefined || (Number.isSafeInteger(length) && length > 0))
  );
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
