import { utf8Length } from "@bucketbridge/core";
import { streamBody } from "../../body.ts";
import type {
  ByteRange,
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
import { toPieces } from "./chunks.ts";
import type { FilesClient } from "./client.ts";
import { MAX_PAGE_SIZE } from "./directory-page.ts";
import { CHANGED, MALFORMED } from "./error-table.ts";
import { classifyDatabricksError, DatabricksFault, DatabricksRefusal } from "./errors.ts";
import type { Answer } from "./sender.ts";
import { etagOf, TreeListing } from "./tree-listing.ts";

/** The stores below volumes take no longer keys, and the path of the volume is a part of them. */
const MAX_PATH_BYTES = 1_024;

/** What the driver works with. */
export interface DatabricksDriverDeps {
  readonly client: FilesClient;
  /** `Volumes/<catalog>/<schema>/<volume>`. */
  readonly volumePath: string;
  /** Size of the pieces of a body. Undefined: as they come. */
  readonly chunkBytes: number | undefined;
  /** Frees what the client was made with. */
  readonly dispose: () => Promise<void>;
}

/**
 * A volume of Databricks' Unity Catalog by the Files API 2.0. Keys are paths below the volume. The API tells no etag: a version
 * is size and time in seconds, so two writes of equal size within one second look the same. It signs no URLs.
 */
export class DatabricksDriver implements StorageDriver {
  readonly traits: DriverTraits;
  readonly #deps: DatabricksDriverDeps;
  readonly #listing: TreeListing;

  constructor(deps: DatabricksDriverDeps) {
    this.#deps = deps;
    this.#listing = new TreeListing(deps.client);
    this.traits = {
      order: "none",
      listAfter: false,
      rangeRead: true,
      putConditions: ["absent"],
      etag: "version",
      keyForm: "path",
      maxKeyBytes: MAX_PATH_BYTES - utf8Length(deps.volumePath) - 2,
      pageSize: MAX_PAGE_SIZE,
    };
  }

  listPage(request: ListRequest, { signal }: OpContext): Promise<ListPage> {
    return this.#listing.page(request, signal);
  }

  async stat(key: string, { signal }: OpContext): Promise<ObjectInfo> {
    const request = { method: "HEAD", of: "files", segments: toSegments(key) } as const;
    const answer = await this.#deps.client.send(request, signal);
    await answer.body.dump();
    return toInfo(key, answer);
  }

  async read({ key, range, ifEtag }: ReadRequest, { signal }: OpContext): Promise<ReadResult> {
    const answer = await this.#deps.client.send(
      {
        method: "GET",
        of: "files",
        segments: toSegments(key),
        headers: {
          ...(range === undefined ? {} : { range: toRangeHeader(range) }),
          ...(ifEtag === undefined ? {} : unmodifiedSince(ifEtag)),
        },
      },
      signal,
    );
    const body = streamBody(answer.body);
    try {
      if (range !== undefined && answer.statusCode !== 206) throw new DatabricksRefusal(MALFORMED);
      const info = toInfo(key, answer);
      if (ifEtag !== undefined && ifEtag !== info.etag) throw new DatabricksRefusal(CHANGED);
      const { chunkBytes } = this.#deps;
      return { info, body: chunkBytes === undefined ? body : inPieces(body, chunkBytes) };
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
  }

  async put(request: PutRequest, { signal }: OpContext): Promise<ObjectInfo> {
    const segments = toSegments(request.key);
    try {
      await this.#put(segments, request, signal);
    } catch (error) {
      const parent = segments.slice(0, -1);
      // Directories above a file come by themselves; where they do not, they are made.
      if (!(error instanceof DatabricksFault && error.status === 404) || parent.length === 0)
        throw error;
      const making = { method: "PUT", of: "directories", segments: parent } as const;
      await (await this.#deps.client.send(making, signal)).body.dump();
      await this.#put(segments, request, signal);
    }
    return { key: request.key, size: request.body.byteLength };
  }

  async delete(key: string, { signal }: OpContext): Promise<void> {
    const request = { method: "DELETE", of: "files", segments: toSegments(key) } as const;
    try {
      await (await this.#deps.client.send(request, signal)).body.dump();
    } catch (error) {
      if (!(error instanceof DatabricksFault && error.status === 404)) throw error;
    }
  }

  classifyError(error: unknown): ErrorClass | undefined {
    return classifyDatabricksError(error);
  }

  async close(): Promise<void> {
    this.#listing.close();
    await this.#deps.dispose();
  }

  async #put(
    segments: readonly string[],
    { body, condition }: PutRequest,
    signal: AbortSignal,
  ): Promise<void> {
    const answer = await this.#deps.client.send(
      {
        method: "PUT",
        of: "files",
        segments,
        query: { overwrite: condition?.kind === "absent" ? "false" : "true" },
        headers: { "content-type": "application/octet-stream" },
        body,
      },
      signal,
    );
    await answer.body.dump();
  }
}

/** The parts of a key that can be a path below the volume; anything else is refused, never turned into another key. */
function toSegments(key: string): readonly string[] {
  const segments = key.split("/");
  if (segments.every((part) => part !== "" && part !== "." && part !== "..")) return segments;
  throw new DatabricksRefusal({
    code: "invalid_input",
    reason: "databricks.no_path",
    detail: 'a key of a volume is a path without empty, "." or ".." parts',
  });
}

function toRangeHeader({ offset, length }: ByteRange): string {
  return `bytes=${String(offset)}-${length === undefined ? "" : String(offset + length - 1)}`;
}

/** The store compares times only; the size is compared when the answer is there. */
function unmodifiedSince(etag: string): Readonly<Record<string, string>> {
  const seconds = Number(/-(\d+)$/.exec(etag)?.[1] ?? Number.NaN);
  if (Number.isNaN(seconds)) return {};
  return { "if-unmodified-since": new Date(seconds * 1_000).toUTCString() };
}

/** The content type says nothing: the service gives all files the same. */
function toInfo(key: string, { headers }: Answer): ObjectInfo {
  const total = /\/(\d+)$/.exec(textOf(headers["content-range"]))?.[1];
  const size = Number(total ?? (textOf(headers["content-length"]) || Number.NaN));
  const modifiedMs = Date.parse(textOf(headers["last-modified"]));
  if (Number.isNaN(size)) throw new DatabricksRefusal(MALFORMED);
  if (Number.isNaN(modifiedMs)) return { key, size, etag: etagOf(size, 0) };
  return { key, size, etag: etagOf(size, modifiedMs), modifiedAt: new Date(modifiedMs) };
}

function textOf(header: string | readonly string[] | undefined): string {
  return typeof header === "string" ? header : "";
}

/** A reader that gives up before the first piece still ends the request. */
function inPieces(body: AsyncIterable<Uint8Array>, pieceBytes: number): AsyncIterable<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  const pieces = toPieces({ [Symbol.asyncIterator]: () => chunks }, pieceBytes);
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => pieces.next(),
      return: async () => {
        await pieces.return();
        await chunks.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}
