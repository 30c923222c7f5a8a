import { utf8Length } from "@bucketbridge/core";
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
import type { LocalFilesPolicy } from "../provider-deps.ts";
import { toByteString } from "./byte-string.ts";
import { FileAccess } from "./client.ts";
import { resolveRoot, type LocalRoot } from "./credentials.ts";
import { classifyLocalFilesError, LocalFilesFault } from "./errors.ts";
import { etagOf, FileBody } from "./file-body.ts";
import { makePage } from "./list-page.ts";
import { toSingleFileKey, type LocalfilesSettings } from "./settings.ts";
import { positionOf, Walk } from "./walk.ts";

/** Longest path that Linux takes; what the root needs is not left for keys. */
const MAX_PATH_BYTES = 4_095;

/** Listings that wait for their next page. One more, and the oldest is walked again from its cursor. */
const MAX_PARKED_WALKS = 4;

/** After this long a listing looks at the folders anew instead of going on with the names it has read. */
const MAX_PARKED_MS = 60_000;

interface ParkedWalk {
  readonly walk: Walk;
  readonly sinceMs: number;
}

/**
 * A folder, or one file, of the machine. Keys are paths relative to it with slashes. Pages ascend by the bytes of the
 * full keys. A version is told by time, size and inode of the file: two writes within one tick of the file system's
 * clock that keep the size look the same. The root is checked against the operator's policy on every call.
 */
export class LocalFilesDriver implements StorageDriver {
  readonly traits: DriverTraits;
  readonly #settings: LocalfilesSettings;
  readonly #policy: LocalFilesPolicy;
  readonly #access: FileAccess;
  readonly #parked = new Map<string, ParkedWalk>();

  constructor(settings: LocalfilesSettings, policy: LocalFilesPolicy, access = new FileAccess()) {
    this.#settings = settings;
    this.#policy = policy;
    this.#access = access;
    this.traits = {
      order: "key",
      listAfter: true,
      rangeRead: true,
      putConditions: ["absent"],
      etag: "version",
      keyForm: "path",
      maxKeyBytes: MAX_PATH_BYTES - utf8Length(settings.path) - 1,
      pageSize: 1_000,
    };
  }

  async listPage(request: ListRequest, { signal }: OpContext): Promise<ListPage> {
    const root = await this.#root(signal);
    if (root.fileName !== undefined) return this.#listFile(root, root.fileName, request);
    const walk = this.#resume(request) ?? this.#newWalk(root, request);
    const { entries, hasMore } = await walk.take(request.limit, signal);
    const last = entries.at(-1);
    const cursor = hasMore && last !== undefined ? toCursor(positionOf(last)) : undefined;
    const page = await makePage(this.#access, root, { entries, cursor, signal });
    if (cursor !== undefined) this.#park(request, cursor, walk);
    return page;
  }

  async stat(key: string, { signal }: OpContext): Promise<ObjectInfo> {
    const handle = await this.#access.openFile(...(await this.#locate(key, signal)));
    try {
      return toInfo(key, await handle.stat({ bigint: true }));
    } finally {
      await handle.close();
    }
  }

  async read({ key, range, ifEtag }: ReadRequest, { signal }: OpContext): Promise<ReadResult> {
    const handle = await this.#access.openFile(...(await this.#locate(key, signal)));
    try {
      const info = toInfo(key, await handle.stat({ bigint: true }));
      if (ifEtag !== undefined && ifEtag !== info.etag)
        throw changed("it is another version by now");
      const start = range?.offset ?? 0;
      if (range !== undefined && start >= info.size) throw beyondEnd(info.size);
      signal.throwIfAborted();
      const end = Math.min(info.size, start + (range?.length ?? info.size));
      return { info, body: new FileBody(handle, { start, end, etag: info.etag, signal }) };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async put({ key, body, condition }: PutRequest, { signal }: OpContext): Promise<ObjectInfo> {
    const [root, segments] = await this.#locate(key, signal);
    const mustBeAbsent = condition?.kind === "absent";
    const stats = await this.#access.writeFile(root, segments, { body, mustBeAbsent, signal });
    return toInfo(key, stats);
  }

  async delete(key: string, { signal }: OpContext): Promise<void> {
    await this.#access.removeFile(...(await this.#locate(key, signal)));
  }

  classifyError(error: unknown): ErrorClass | undefined {
    return classifyLocalFilesError(error);
  }

  close(): Promise<void> {
    this.#parked.clear();
    return Promise.resolve();
  }

  async #root(signal: AbortSignal): Promise<LocalRoot> {
    signal.throwIfAborted();
    return resolveRoot(this.#settings, this.#policy);
  }

  async #locate(key: string, signal: AbortSignal): Promise<[LocalRoot, readonly string[]]> {
    const root = await this.#root(signal);
    if (root.fileName === undefined) return [root, toSegments(key)];
    if (key === toSingleFileKey(root.fileName)) return [root, [root.fileName]];
    throw new LocalFilesFault({
      code: "not_found",
      detail: "the storage is one file, and this is not it",
    });
  }

  async #listFile(root: LocalRoot, name: string, request: ListRequest): Promise<ListPage> {
    const key = toSingleFileKey(name);
    const isListed =
      key.startsWith(request.prefix) && (request.after === undefined || key > request.after);
    if (!isListed) return { keys: [], sizes: [], etags: [], modified: [] };
    const handle = await this.#access.openFile(root, [name]);
    try {
      const info = toInfo(key, await handle.stat({ bigint: true }));
      return {
        keys: [key],
        sizes: [info.size],
        etags: [info.etag ?? ""],
        modified: [info.modifiedAt?.getTime() ?? 0],
      };
    } finally {
      await handle.close();
    }
  }

  #newWalk(root: LocalRoot, { prefix, recursive, after, cursor }: ListRequest): Walk {
    const start = cursor === undefined ? after && toByteString(after) : fromCursor(cursor);
    return new Walk(this.#access, root, { prefix: toByteString(prefix), recursive, after: start });
  }

  /** The walk that gave this cursor, if it is still here. */
  #resume(request: ListRequest): Walk | undefined {
    if (request.cursor === undefined) return undefined;
    const name = parkingName(request, request.cursor);
    const parked = this.#parked.get(name);
    this.#parked.delete(name);
    if (parked === undefined || performance.now() - parked.sinceMs > MAX_PARKED_MS)
      return undefined;
    return parked.walk;
  }

  #park(request: ListRequest, cursor: string, walk: Walk): void {
    const name = parkingName(request, cursor);
    this.#parked.delete(name);
    this.#parked.set(name, { walk, sinceMs: performance.now() });
    const [oldest] = this.#parked.keys();
    if (this.#parked.size > MAX_PARKED_WALKS && oldest !== undefined) this.#parked.delete(oldest);
  }
}

function parkingName({ prefix, recursive }: ListRequest, cursor: string): string {
  return JSON.stringify([prefix, recursive, cursor]);
}

/** A cursor is the position of the last entry, so that any process can go on after it. */
function toCursor(position: string): string {
  return Buffer.from(position, "latin1").toString("base64url");
}

function fromCursor(cursor: string): string {
  return Buffer.from(cursor, "base64url").toString("latin1");
}

interface FileStats {
  readonly size: bigint;
  readonly ino: bigint;
  readonly mtimeNs: bigint;
  readonly mtime: Date;
}

function toInfo(key: string, stats: FileStats): ObjectInfo {
  return { key, size: Number(stats.size), etag: etagOf(stats), modifiedAt: stats.mtime };
}

/** The parts of a key that can be a relative path; anything else is refused, never turned into another key. */
function toSegments(key: string): readonly string[] {
  const segments = key.split("/");
  if (segments.every(isFileName)) return segments;
  throw new LocalFilesFault({
    code: "invalid_input",
    reason: "localfiles.no_path",
    detail: 'a key of local files is a relative path without empty, "." or ".." parts',
  });
}

function isFileName(segment: string): boolean {
  if (segment === "" || segment === "." || segment === ".." || segment.includes("\u0000"))
    return false;
  return process.platform !== "win32" || !/[\\:]/.test(segment);
}

function changed(detail: string): LocalFilesFault {
  return new LocalFilesFault({ code: "precondition_failed", reason: "localfiles.changed", detail });
}

function beyondEnd(size: number): LocalFilesFault {
  return new LocalFilesFault({
    code: "invalid_input",
    detail: `the range starts behind the end of its ${String(size)} bytes`,
  });
}
