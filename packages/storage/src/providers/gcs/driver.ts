import type {
  ByteRange,
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
} from "../../driver.ts";
import { streamBody } from "../../body.ts";
import type { BucketClient } from "./client.ts";
import { classifyGcsError, explainError, isBucketMissing } from "./errors.ts";
import { GoogleFailure, malformedAnswer, readJsonBody } from "./google-request.ts";
import type { GoogleIdentity } from "./identity.ts";
import { fetchPage } from "./list-page.ts";
import { Presigner } from "./presign.ts";
import { OBJECT_FIELDS, toUploadCall } from "./upload.ts";

/** What the driver works with. */
export interface GcsDriverDeps {
  readonly bucket: BucketClient;
  readonly identity: GoogleIdentity;
  /** Encrypts what is written with this key of Cloud KMS. */
  readonly kmsKeyName: string | undefined;
}

/**
 * Google Cloud Storage by its JSON API. An object's etag is its generation here: it is in every answer, and all conditions of
 * the API are about it.
 */
export class GcsDriver implements StorageDriver {
  readonly traits: DriverTraits = {
    order: "key",
    listAfter: true,
    rangeRead: true,
    putConditions: ["absent", "etag"],
    etag: "version",
    keyForm: "any",
    maxKeyBytes: 1_024,
    pageSize: 1_000,
  };
  readonly #deps: GcsDriverDeps;
  readonly #presigner = new Presigner();

  constructor(deps: GcsDriverDeps) {
    this.#deps = deps;
  }

  async listPage(request: ListRequest, { signal }: OpContext): Promise<ListPage> {
    try {
      return await fetchPage(this.#deps.bucket, request, signal);
    } catch (error) {
      throw explainListError(error, request);
    }
  }

  async stat(key: string, { signal }: OpContext): Promise<ObjectInfo> {
    const { body } = await this.#deps.bucket.send(
      { method: "GET", key, query: { fields: OBJECT_FIELDS } },
      signal,
    );
    return toInfo(key, await readJsonBody(body));
  }

  async read(request: ReadRequest, { signal }: OpContext): Promise<ReadResult> {
    const { key, range, ifEtag } = request;
    const { headers, body, status } = await this.#deps.bucket.send(
      {
        method: "GET",
        key,
        query: { alt: "media", ifGenerationMatch: ifEtag },
        headers: {
          // Without it an object that is stored as gzip is unpacked on its way, and its size is another one.
          "accept-encoding": "gzip",
          ...(range === undefined ? {} : { range: toRangeHeader(range) }),
        },
      },
      signal,
    );
    if (range !== undefined && status !== 206) {
      body.on("error", () => undefined).destroy();
      throw malformedAnswer("it holds the whole object instead of a part");
    }
    return { info: toReadInfo(key, headers), body: streamBody(body) };
  }

  async put(request: PutRequest, { signal }: OpContext): Promise<ObjectInfo> {
    const { bucket, kmsKeyName } = this.#deps;
    try {
      const { body } = await bucket.send(toUploadCall(request, kmsKeyName), signal);
      return toInfo(request.key, await readJsonBody(body));
    } catch (error) {
      throw explainPutError(error, request);
    }
  }

  async delete(key: string, { signal }: OpContext): Promise<void> {
    try {
      const { body } = await this.#deps.bucket.send({ method: "DELETE", key, query: {} }, signal);
      body.on("error", () => undefined).destroy();
    } catch (error) {
      const isGone = error instanceof GoogleFailure && error.status === 404;
      if (!isGone || isBucketMissing(error)) throw error;
    }
  }

  async presignRead(key: string, options: PresignOptions, { signal }: OpContext): Promise<URL> {
    const { bucket, identity } = this.#deps;
    const request = { key, options, nowMs: Date.now(), signal };
    return this.#presigner.sign(await identity.signer(signal), bucket.signingPlace, request);
  }

  classifyError(error: unknown): ErrorClass | undefined {
    return classifyGcsError(error);
  }

  /** The sockets belong to the egress and serve others too. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A refused token means: list on after the last key. Nothing but the bucket can be missing in a listing. */
function explainListError(error: unknown, { cursor }: ListRequest): unknown {
  if (!(error instanceof GoogleFailure) || error.service !== "storage") return error;
  if (cursor !== undefined && error.status === 400) {
    return explainError(error, {
      code: "invalid_input",
      reason: "gcs.cursor_expired",
      detail: "the store does not know the token of the next page any more",
    });
  }
  return error;
}

/** 412 says that a condition failed; which one, only the call knows. */
function explainPutError(error: unknown, { condition }: PutRequest): unknown {
  if (!(error instanceof GoogleFailure) || error.status !== 412) return error;
  if (condition?.kind !== "absent") return error;
  return explainError(error, { code: "already_exists", detail: "the object exists already" });
}

function toInfo(key: string, resource: Readonly<Record<string, unknown>>): ObjectInfo {
  const { size, generation, updated, contentType } = resource;
  if (typeof generation !== "string") throw malformedAnswer("it describes no object");
  return {
    key,
    size: Number(size ?? 0),
    etag: generation,
    version: generation,
    modifiedAt: typeof updated === "string" ? new Date(updated) : undefined,
    contentType: typeof contentType === "string" ? contentType : undefined,
  };
}

function toReadInfo(key: string, headers: Readonly<Record<string, string>>): ObjectInfo {
  const generation = headers["x-goog-generation"];
  const modified = headers["last-modified"];
  return {
    key,
    size: totalSize(headers),
    etag: generation,
    version: generation,
    modifiedAt: modified === undefined ? undefined : new Date(modified),
    contentType: headers["content-type"],
  };
}

/** `bytes 0-9/1234`: the number behind the slash is the size of the whole object. */
function totalSize(headers: Readonly<Record<string, string>>): number {
  const total = /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1];
  return Number(total ?? headers["x-goog-stored-content-length"] ?? headers["content-length"] ?? 0);
}

function toRangeHeader({ offset, length }: ByteRange): string {
  return `bytes=${String(offset)}-${length === undefined ? "" : String(offset + length - 1)}`;
}
