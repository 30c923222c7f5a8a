import type * as Sdk from "@azure/storage-blob";
import { AppError } from "@bucketbridge/core";
import type { Readable } from "node:stream";
import { streamBody, wrapBody } from "../../body.ts";
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
import type { BlobClients } from "./client.ts";
import { CONNECTION_LOST } from "./error-table.ts";
import { answerOf, classifyAzureError, explainError } from "./errors.ts";
import { fetchPage } from "./list-page.ts";
import { toPlainEtag } from "./list-parser.ts";
import type { SasSigner } from "./presign.ts";

/** What the driver works with. */
export interface AzureDriverDeps {
  readonly clients: BlobClients;
  readonly sign: SasSigner;
}

/** Azure Blob Storage, whoever signs in. */
export class AzureDriver implements StorageDriver {
  readonly traits: DriverTraits = {
    order: "key",
    listAfter: true,
    rangeRead: true,
    putConditions: ["absent", "etag"],
    etag: "version",
    keyForm: "any",
    // Azure counts 1,024 characters; as bytes this holds for every name.
    maxKeyBytes: 1_024,
    pageSize: 5_000,
  };
  readonly #deps: AzureDriverDeps;

  constructor(deps: AzureDriverDeps) {
    this.#deps = deps;
  }

  async listPage(request: ListRequest, ctx: OpContext): Promise<ListPage> {
    const { clients } = this.#deps;
    try {
      return await fetchPage(clients.container(), clients.listings, request, ctx.signal);
    } catch (error) {
      throw explainListError(error, request);
    }
  }

  async stat(key: string, ctx: OpContext): Promise<ObjectInfo> {
    const properties = await this.#blob(key).getProperties({ abortSignal: ctx.signal });
    return toInfo(key, properties, properties.contentLength);
  }

  async read({ key, range, ifEtag }: ReadRequest, ctx: OpContext): Promise<ReadResult> {
    const answer = await this.#blob(key).download(range?.offset, range?.length, {
      abortSignal: ctx.signal,
      ...(ifEtag === undefined ? {} : { conditions: { ifMatch: `"${ifEtag}"` } }),
    });
    const stream = answer.readableStreamBody as Readable | undefined;
    if (stream === undefined) throw brokenRead("without a body");
    const problem = range === undefined ? undefined : findRangeProblem(range, answer);
    if (problem !== undefined) {
      stream.on("error", () => undefined).destroy();
      throw problem;
    }
    return { info: toInfo(key, answer, totalSize(answer)), body: toBody(stream, ctx.signal) };
  }

  async put(request: PutRequest, ctx: OpContext): Promise<ObjectInfo> {
    const { key, body, contentType, condition } = request;
    try {
      const answer = await this.#blob(key)
        .getBlockBlobClient()
        .upload(body, body.byteLength, {
          abortSignal: ctx.signal,
          ...(contentType === undefined
            ? {}
            : { blobHTTPHeaders: { blobContentType: contentType } }),
          ...(condition?.kind === "absent" ? { conditions: { ifNoneMatch: "*" } } : {}),
          ...(condition?.kind === "etag" ? { conditions: { ifMatch: `"${condition.etag}"` } } : {}),
        });
      return { ...toInfo(key, answer, body.byteLength), contentType };
    } catch (error) {
      throw explainPutError(error, request);
    }
  }

  async delete(key: string, ctx: OpContext): Promise<void> {
    try {
      await this.#blob(key).delete({ abortSignal: ctx.signal });
    } catch (error) {
      if (answerOf(error).azureCode !== "BlobNotFound") throw error;
    }
  }

  async presignRead(key: string, options: PresignOptions, ctx: OpContext): Promise<URL> {
    const blob = this.#blob(key);
    const request = { containerName: blob.containerName, key, options, nowMs: Date.now() };
    return new URL(`${blob.url}?${await this.#deps.sign(request, ctx.signal)}`);
  }

  classifyError(error: unknown): ErrorClass | undefined {
    return classifyAzureError(error);
  }

  /** The sockets belong to the egress and serve others too. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #blob(key: string): Sdk.BlobClient {
    const isAddressable =
      !key.includes("\\") && !key.split("/").some((part) => part === "." || part === "..");
    if (isAddressable) return this.#deps.clients.container().getBlobClient(key);
    // Clients take such segments out of the URL, and Azure makes a slash of a backslash: it would be another blob.
    throw new AppError({
      code: "invalid_input",
      reason: "azure.unaddressable_key",
      message: 'Azure has no blobs with a backslash or a "." or ".." segment in their name',
    });
  }
}

/** A refused marker means: list on after the last key. A 404 without Azure's words concerns the container, not a blob. */
function explainListError(error: unknown, { cursor }: ListRequest): unknown {
  const { status, azureCode } = answerOf(error);
  if (cursor !== undefined && status === 400) {
    return explainError(error, {
      code: "invalid_input",
      reason: "azure.cursor_expired",
      detail: "the store does not know the marker of the next page any more",
    });
  }
  if (azureCode === "OutOfRangeInput") {
    return explainError(error, {
      code: "invalid_config",
      reason: "azure.invalid_container_name",
      detail: "the store does not take this name for a container",
      hint: "a name has 3 to 63 lower-case letters, digits and dashes",
    });
  }
  if (status !== 404 || azureCode !== undefined) return error;
  return explainError(error, {
    code: "not_found",
    reason: "azure.container_not_found",
    detail: "the store knows no such container",
    hint: "check the name of the container and of the account",
  });
}

/** 409 and 412 say that a condition failed; which one, only the call knows. If-Match on nothing may be a 404. */
function explainPutError(error: unknown, { condition }: PutRequest): unknown {
  const { status, azureCode } = answerOf(error);
  const isCondition = azureCode === "ConditionNotMet" || azureCode === "BlobAlreadyExists";
  if (condition?.kind === "absent" && isCondition) {
    return explainError(error, { code: "already_exists", detail: "the blob exists already" });
  }
  if (
    condition?.kind === "etag" &&
    (isCondition || (status === 404 && azureCode === "BlobNotFound"))
  ) {
    return explainError(error, {
      code: "precondition_failed",
      detail: "the blob has changed meanwhile",
    });
  }
  return error;
}

interface Described {
  readonly etag?: string | undefined;
  readonly versionId?: string | undefined;
  readonly lastModified?: Date | undefined;
  readonly contentType?: string | undefined;
}

function toInfo(key: string, answer: Described, size: number | undefined): ObjectInfo {
  const { etag, versionId, lastModified, contentType } = answer;
  return {
    key,
    size: size ?? 0,
    etag: etag === undefined ? undefined : toPlainEtag(etag),
    version: versionId,
    modifiedAt: lastModified,
    contentType,
  };
}

/** `bytes 0-9/1234`: the number behind the slash is the size of the whole blob. */
function totalSize({
  contentRange,
  contentLength,
}: Sdk.BlobDownloadResponseParsed): number | undefined {
  const total = /\/(\d+)$/.exec(contentRange ?? "")?.[1];
  return total === undefined ? contentLength : Number(total);
}

/** Azurite answers 206 without a byte where the cloud answers 416: when a range begins exactly at the end. */
function findRangeProblem(
  { offset, length }: ByteRange,
  answer: Sdk.BlobDownloadResponseParsed,
): AppError | undefined {
  // The SDK asks for the whole blob then.
  if (offset === 0 && length === undefined) return undefined;
  if (answer.contentRange === undefined) return brokenRead("with the whole blob instead of a part");
  if (offset < (totalSize(answer) ?? Infinity)) return undefined;
  return new AppError({
    code: "invalid_input",
    reason: "azure.invalid_range",
    message: "the range lies behind the end of the blob",
  });
}

/** The SDK's stream replaces what the network said by texts of its own, and calls a lost connection aborted. */
function toBody(stream: Readable, signal: AbortSignal): AsyncIterable<Uint8Array> {
  return wrapBody(streamBody(stream), {
    pull: async (next) => {
      try {
        return await next();
      } catch (error) {
        const isKnown = ![undefined, "canceled"].includes(classifyAzureError(error)?.code);
        throw isKnown || signal.aborted ? error : explainError(error, CONNECTION_LOST);
      }
    },
  });
}

function brokenRead(how: string): AppError {
  return new AppError({
    code: "unavailable",
    reason: "azure.malformed_answer",
    message: `the store answered ${how}`,
  });
}
