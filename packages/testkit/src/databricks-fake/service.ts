import type { IncomingMessage } from "node:http";
import { DatabricksFailure } from "./failure.ts";
import { FaultList } from "./faults.ts";
import { OperationLog } from "./operation-log.ts";
import type {
  DatabricksFakeOptions,
  DatabricksOperation,
  DatabricksPermission,
} from "./options.ts";
import { Principals } from "./principals.ts";
import { emptyReply, jsonReply, type Reply } from "./reply.ts";
import { Volume, type StoredFile } from "./volume.ts";

/** A request, understood. */
export interface DatabricksRequest {
  readonly operation: DatabricksOperation;
  readonly message: IncomingMessage;
  /** `/Volumes/…`, decoded; the path of the endpoint for a token. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

const PERMISSIONS: Readonly<Record<Exclude<DatabricksOperation, "token">, DatabricksPermission>> = {
  list: "list",
  head_directory: "list",
  make_directory: "write",
  get: "read",
  head: "read",
  put: "write",
  delete: "delete",
};

/** Largest page of the service. */
const PAGE_LIMIT = 1_000;

/** The Files API and the token endpoints over volumes in memory. */
export class DatabricksService {
  readonly faults = new FaultList();
  readonly log = new OperationLog();
  readonly principals: Principals;
  readonly volumes = new Map<string, Volume>();
  /** Raised to let all page tokens expire. */
  tokenEpoch = 0;
  readonly #options: DatabricksFakeOptions;

  constructor(options: DatabricksFakeOptions) {
    this.#options = options;
    this.principals = new Principals(options);
    for (const name of options.volumes ?? []) this.volumes.set(name, new Volume());
  }

  now(): Date {
    return new Date(this.#options.now?.() ?? Date.now());
  }

  /** Does what is asked, or throws a failure. */
  handle(request: DatabricksRequest): Reply {
    const { operation, message, path } = request;
    if (operation === "token") return this.#grant(request);
    this.principals.authorize(message, PERMISSIONS[operation]);
    const [, root, catalog = "", schema = "", name = "", ...rest] = path.split("/");
    const volume = this.volumes.get(`${catalog}/${schema}/${name}`);
    if (root !== "Volumes" || volume === undefined) {
      throw new DatabricksFailure(404, "NOT_FOUND", {
        message: `Volume '${catalog}.${schema}.${name}' does not exist.`,
        reason: "VOLUME_DOES_NOT_EXIST",
      });
    }
    return this.#perform(volume, rest.join("/"), request);
  }

  #grant({ message, path, body }: DatabricksRequest): Reply {
    const form = new URLSearchParams(body.toString());
    const tenant = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(path)?.[1];
    const { principals } = this;
    return jsonReply(
      200,
      tenant === undefined
        ? principals.grant(message.headers, form)
        : principals.grantAzure(tenant, form),
    );
  }

  #perform(volume: Volume, path: string, request: DatabricksRequest): Reply {
    switch (request.operation) {
      case "list":
        return this.#list(volume, path, request);
      case "head_directory":
        if (!volume.hasDirectory(path)) throw missingDirectory();
        return emptyReply(200);
      case "make_directory":
        volume.makeDirectory(path);
        return emptyReply(204);
      case "get":
        return getFile(findFile(volume, path), request.message.headers);
      case "head": {
        const file = findFile(volume, path);
        return { ...fileReply(200, file), body: file.body };
      }
      case "put":
        return this.#put(volume, path, request);
      case "delete":
        findFile(volume, path);
        volume.files.delete(path);
        this.log.add({ kind: "delete", path: request.path });
        return emptyReply(204);
      case "token":
        throw new DatabricksFailure(500, "INTERNAL_ERROR");
    }
  }

  #put(volume: Volume, path: string, { query, body, path: full }: DatabricksRequest): Reply {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (volume.hasDirectory(path) || volume.isBelowFile(path))
      throw new DatabricksFailure(400, "INVALID_PARAMETER_VALUE", {
        message: "a part of the path is in the way",
        reason: "FILES_API_PATH_CONFLICT",
      });
    if (this.#options.implicitParents === false && !volume.hasDirectory(parent))
      throw missingDirectory();
    if (query.get("overwrite") !== "true" && volume.files.has(path))
      throw new DatabricksFailure(409, "ALREADY_EXISTS", {
        message: "The file being created already exists.",
        reason: "FILES_API_FILE_ALREADY_EXISTS",
      });
    volume.put(path, body, this.now());
    this.log.add({ kind: "put", path: full, body });
    return emptyReply(204);
  }

  #list(volume: Volume, path: string, { query, path: full }: DatabricksRequest): Reply {
    if (!volume.hasDirectory(path)) throw missingDirectory();
    const asked = Number(query.get("page_size") ?? PAGE_LIMIT);
    if (!Number.isInteger(asked) || asked < 1 || asked > PAGE_LIMIT)
      throw new DatabricksFailure(400, "INVALID_PARAMETER_VALUE", { message: "page_size" });
    const token = query.get("page_token");
    const after = token === null ? undefined : this.#readToken(token, [path, asked]);
    const entries = volume.children(path);
    const rest = after === undefined ? entries : entries.filter(({ name }) => name < after);
    const size = this.#options.shortPages === true ? Math.ceil(asked / 2) : asked;
    const page = rest.slice(0, size);
    const last = page.at(-1);
    const contents = page.map(({ name, file }) => ({
      path: `${full}/${name}`,
      name,
      is_directory: file === undefined,
      ...(file === undefined
        ? {}
        : { file_size: file.body.length, last_modified: file.modifiedAt.getTime() }),
    }));
    const more = rest.length > page.length && last !== undefined;
    return jsonReply(
      200,
      JSON.stringify({
        ...(contents.length === 0 ? {} : { contents }),
        ...(more ? { next_page_token: this.#makeToken([path, asked], last.name) } : {}),
      }),
    );
  }

  #makeToken(listing: readonly [string, number], last: string): string {
    const text = JSON.stringify([...listing, last, this.tokenEpoch]);
    return Buffer.from(text).toString("base64");
  }

  /** A token belongs to one directory and one page size. */
  #readToken(token: string, [path, size]: readonly [string, number]): string {
    try {
      const [ofPath, ofSize, last, epoch] = JSON.parse(Buffer.from(token, "base64").toString()) as [
        string,
        number,
        string,
        number,
      ];
      if (ofPath === path && ofSize === size && epoch === this.tokenEpoch) return last;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new DatabricksFailure(400, "INVALID_PARAMETER_VALUE", {
      message: "Invalid page token.",
      reason: "FILES_API_INVALID_PAGE_TOKEN",
    });
  }
}

function findFile(volume: Volume, path: string): StoredFile {
  const file = volume.files.get(path);
  if (file !== undefined) return file;
  throw new DatabricksFailure(404, "NOT_FOUND", {
    message: "The file being accessed is not found.",
    reason: "FILES_API_FILE_NOT_FOUND",
  });
}

function missingDirectory(): DatabricksFailure {
  return new DatabricksFailure(404, "NOT_FOUND", {
    message: "The directory being accessed is not found.",
    reason: "FILES_API_DIRECTORY_IS_NOT_FOUND",
  });
}

function getFile(file: StoredFile, headers: IncomingMessage["headers"]): Reply {
  const { size } = { size: file.body.length };
  const limit = Date.parse(headers["if-unmodified-since"] ?? "");
  if (!Number.isNaN(limit) && Math.floor(file.modifiedAt.getTime() / 1_000) * 1_000 > limit)
    throw new DatabricksFailure(412, "FAILED_PRECONDITION", { message: "modified" });
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "");
  if (range === null) return fileReply(200, file);
  const start = Number(range[1]);
  const end = Math.min(size - 1, range[2] === "" ? size - 1 : Number(range[2]));
  if (start >= size)
    throw new DatabricksFailure(416, "OUT_OF_RANGE", {
      message: "range",
      headers: { "content-range": `bytes */${String(size)}` },
    });
  return {
    ...fileReply(206, { ...file, body: file.body.subarray(start, end + 1) }),
    headers: {
      ...fileReply(206, file).headers,
      "content-length": String(end + 1 - start),
      "content-range": `bytes ${String(start)}-${String(end)}/${String(size)}`,
    },
  };
}

function fileReply(status: number, { body, modifiedAt }: StoredFile): Reply {
  return {
    status,
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(body.length),
      "last-modified": modifiedAt.toUTCString(),
    },
    body,
  };
}
