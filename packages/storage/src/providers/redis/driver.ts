import { MAX_KEY_BYTES } from "@bucketbridge/core";
import type {
  DriverTraits,
  ErrorClass,
  ListPage,
  ListRequest,
  ObjectInfo,
  OpContext,
  PutRequest,
  ReadRequest,
  ReadResult,
  StorageDriver,
} from "../../driver.ts";
import type { RedisClient } from "./client.ts";
import { classifyRedisError, RedisFault } from "./errors.ts";
import { makePage } from "./list-page.ts";
import { scanNames } from "./scan.ts";
import { findSize, MAX_VALUE_BYTES, openValue, tooLarge } from "./value.ts";

/** What a driver is made with. */
export interface RedisDriverDeps {
  readonly client: RedisClient;
  /** Stands before every key at the server and is no part of it here. */
  readonly root: string;
  /** Only keys that begin with this are listed; they keep it. */
  readonly within: string;
}

/**
 * String values of one database of one server. Values have no versions and listings no order; a token of a listing is good
 * as long as the server's process lives, and `redis.cursor_expired` after that.
 */
export class RedisDriver implements StorageDriver {
  readonly traits: DriverTraits = {
    order: "none",
    listAfter: false,
    rangeRead: true,
    putConditions: ["absent"],
    etag: "none",
    keyForm: "any",
    // Redis takes 512 MB; this is what the system can keep.
    maxKeyBytes: MAX_KEY_BYTES,
    pageSize: 1_000,
  };
  readonly #deps: RedisDriverDeps;

  constructor(deps: RedisDriverDeps) {
    this.#deps = deps;
  }

  async listPage(request: ListRequest, { signal }: OpContext): Promise<ListPage> {
    const { client, root, within } = this.#deps;
    const match = root + longerOf(request.prefix, within);
    if (!match.startsWith(root + request.prefix) || !match.startsWith(root + within))
      return { keys: [], sizes: [], etags: [], modified: [] };
    const folder = request.recursive ? undefined : root + request.prefix;
    return client.run(async (session) => {
      const scanned = await scanNames(session, match, request, signal);
      return makePage(session, scanned, { root, folder });
    }, signal);
  }

  async stat(key: string, { signal }: OpContext): Promise<ObjectInfo> {
    const { client, root } = this.#deps;
    return { key, size: await findSize(client, root + key, signal) };
  }

  async read({ key, range }: ReadRequest, { signal }: OpContext): Promise<ReadResult> {
    const { client, root } = this.#deps;
    const { size, body } = await openValue(client, { key: root + key, range }, signal);
    return { info: { key, size }, body };
  }

  async put({ key, body, condition }: PutRequest, { signal }: OpContext): Promise<ObjectInfo> {
    const { client, root } = this.#deps;
    const size = body.byteLength;
    if (size > MAX_VALUE_BYTES) throw tooLarge("invalid_input", size);
    const onlyNew = condition?.kind === "absent" ? ["NX"] : [];
    const answer = await client.run(
      (session) => session.send("SET", root + key, body, ...onlyNew),
      signal,
    );
    if (answer === null)
      throw new RedisFault({ code: "already_exists", detail: "there is such a key" });
    return { key, size };
  }

  async delete(key: string, { signal }: OpContext): Promise<void> {
    const { client, root } = this.#deps;
    await client.run((session) => session.send("UNLINK", root + key), signal);
  }

  classifyError(error: unknown): ErrorClass | undefined {
    return classifyRedisError(error);
  }

  close(): Promise<void> {
    return this.#deps.client.close();
  }
}

function longerOf(one: string, other: string): string {
  return one.length > other.length ? one : other;
}
