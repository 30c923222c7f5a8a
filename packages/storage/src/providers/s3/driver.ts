import type * as Sdk from "@aws-sdk/client-s3";
import { AppError } from "@bucketbridge/core";
import type { Readable } from "node:stream";
import { streamBody } from "../../body.ts";
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
import type { BucketClient } from "./client.ts";
import { answerOf, classifyS3Error, explainError } from "./errors.ts";
import { fetchPage } from "./list-page.ts";
import { toPlainEtag } from "./list-parser.ts";
import { Presigner } from "./presign.ts";
import type { CredentialSource } from "./sessions.ts";

/** Directory buckets (S3 Express One Zone) list in no order and cannot start after a key. */
const DIRECTORY_BUCKET_SUFFIX = "--x-s3";

/** What the driver works with. */
export interface S3DriverDeps {
  readonly sdk: typeof Sdk;
  readonly bucket: BucketClient;
  readonly bucketName: string | undefined;
  readonly credentials: CredentialSource;
  /** The account that must own the bucket; a bucket of another one is refused. */
  readonly expectedOwner: string | undefined;
  /** How what is written is encrypted; empty: as the bucket says. */
  readonly encryption: Pick<Sdk.PutObjectCommandInput, "ServerSideEncryption" | "SSEKMSKeyId">;
}

/** What every call says about the bucket. */
interface Place {
  readonly Bucket: string;
  readonly ExpectedBucketOwner?: string;
}

/** Amazon S3 and the stores that speak its interface. */
export class S3Driver implements StorageDriver {
  readonly traits: DriverTraits;
  readonly #deps: S3DriverDeps;
  readonly #presigner = new Presigner();

  constructor(deps: S3DriverDeps) {
    const isDirectoryBucket = deps.bucketName?.endsWith(DIRECTORY_BUCKET_SUFFIX) === true;
    this.#deps = deps;
    this.traits = {
      order: isDirectoryBucket ? "none" : "key",
      listAfter: !isDirectoryBucket,
      rangeRead: true,
      putConditions: ["absent", "etag"],
      etag: "content",
      keyForm: "any",
      maxKeyBytes: 1_024,
      pageSize: 1_000,
    };
  }

  async listPage(request: ListRequest, ctx: OpContext): Promise<ListPage> {
    const { sdk } = this.#deps;
    try {
      return await this.#send(ctx, (client, place) =>
        fetchPage(sdk, client, { ...place, ...toListInput(request) }, ctx.signal),
      );
    } catch (error) {
      throw explainListError(error, request);
    }
  }

  async stat(key: string, ctx: OpContext): Promise<ObjectInfo> {
    const { sdk } = this.#deps;
    const head = await this.#send(ctx, (client, place) =>
      client.send(new sdk.HeadObjectCommand({ ...place, Key: key }), { abortSignal: ctx.signal }),
    );
    return toInfo(key, head, head.ContentLength);
  }

  async read(request: ReadRequest, ctx: OpContext): Promise<ReadResult> {
    const { sdk } = this.#deps;
    const { key, range, ifEtag } = request;
    const output = await this.#send(ctx, (client, place) => {
      const command = new sdk.GetObjectCommand({
        ...place,
        Key: key,
        ...(range === undefined ? {} : { Range: toRangeHeader(range) }),
        ...(ifEtag === undefined ? {} : { IfMatch: `"${ifEtag}"` }),
      });
      return client.send(command, { abortSignal: ctx.signal });
    });
    const stream = output.Body as Readable | undefined;
    if (stream === undefined) throw brokenAnswer("without a body");
    const body = streamBody(stream);
    const size = totalSize(output);
    if (range !== undefined && output.ContentRange === undefined) {
      stream.destroy();
      throw brokenAnswer("with the whole object instead of a part");
    }
    return { info: toInfo(key, output, size), body };
  }

  async put(request: PutRequest, ctx: OpContext): Promise<ObjectInfo> {
    const { sdk, encryption } = this.#deps;
    const { key, body, contentType, condition } = request;
    const input = {
      Key: key,
      Body: body,
      ContentLength: body.byteLength,
      ...(contentType === undefined ? {} : { ContentType: contentType }),
      ...(condition?.kind === "absent" ? { IfNoneMatch: "*" } : {}),
      ...(condition?.kind === "etag" ? { IfMatch: `"${condition.etag}"` } : {}),
      ...encryption,
    };
    try {
      const output = await this.#send(ctx, (client, place) =>
        client.send(new sdk.PutObjectCommand({ ...place, ...input }), { abortSignal: ctx.signal }),
      );
      // The SDK does not read the body of this answer: an error document or a web page with status 200 has no ETag.
      if (output.ETag === undefined)
        throw brokenAnswer(
          "a put without an ETag, so that nobody knows whether it wrote; check the endpoint",
        );
      return { ...toInfo(key, output, body.byteLength), contentType };
    } catch (error) {
      throw explainPutError(error, request);
    }
  }

  async delete(key: string, ctx: OpContext): Promise<void> {
    const { sdk } = this.#deps;
    await this.#send(ctx, (client, place) =>
      client.send(new sdk.DeleteObjectCommand({ ...place, Key: key }), { abortSignal: ctx.signal }),
    );
  }

  async presignRead(key: string, options: PresignOptions, ctx: OpContext): Promise<URL> {
    const place = await this.#deps.bucket.signingPlace(ctx.signal);
    const session = await this.#deps.credentials.get(ctx.signal);
    return this.#presigner.sign(place, session, {
      key,
      options,
      expectedOwner: this.#deps.expectedOwner,
      nowMs: Date.now(),
    });
  }

  classifyError(error: unknown): ErrorClass | undefined {
    return classifyS3Error(error);
  }

  /** The sockets belong to the egress and serve others too: the SDK's `destroy` would close them all. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #send<T>(ctx: OpContext, call: (client: Sdk.S3Client, place: Place) => Promise<T>): Promise<T> {
    const { bucket, expectedOwner } = this.#deps;
    const owner = expectedOwner === undefined ? {} : { ExpectedBucketOwner: expectedOwner };
    return bucket.send((client, Bucket) => call(client, { Bucket, ...owner }), ctx.signal);
  }
}

function toListInput({
  prefix,
  recursive,
  after,
  cursor,
  limit,
}: ListRequest): Omit<Sdk.ListObjectsV2CommandInput, "Bucket"> {
  return {
    MaxKeys: limit,
    ...(prefix === "" ? {} : { Prefix: prefix }),
    ...(recursive ? {} : { Delimiter: "/" }),
    ...(after === undefined ? {} : { StartAfter: after }),
    ...(cursor === undefined ? {} : { ContinuationToken: cursor }),
  };
}

/** A refused token means: list on after the last key. A 404 without S3's words concerns the bucket, not a key. */
function explainListError(error: unknown, { cursor }: ListRequest): unknown {
  const { status, s3Code } = answerOf(error);
  if (cursor !== undefined && status === 400 && s3Code === "InvalidArgument") {
    return explainError(error, {
      code: "invalid_input",
      reason: "s3.cursor_expired",
      detail: "the store does not know the token of the next page any more",
    });
  }
  if (status !== 404 || (s3Code !== undefined && s3Code !== "NoSuchKey" && s3Code !== "NotFound"))
    return error;
  return explainError(error, {
    code: "not_found",
    reason: "s3.bucket_not_found",
    detail: "the store knows no such bucket",
    hint: "check the name of the bucket and the endpoint",
  });
}

/** 412 says that a condition failed; which one, only the call knows. If-Match on nothing is a 404. */
function explainPutError(error: unknown, { condition }: PutRequest): unknown {
  const { status, s3Code } = answerOf(error);
  if (condition?.kind === "absent" && status === 412) {
    return explainError(error, { code: "already_exists", detail: "the object exists already" });
  }
  if (condition?.kind === "etag" && (status === 412 || s3Code === "NoSuchKey")) {
    return explainError(error, {
      code: "precondition_failed",
      detail: "the object has changed meanwhile",
    });
  }
  return error;
}

interface Described {
  readonly ETag?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly LastModified?: Date | undefined;
  readonly ContentType?: string | undefined;
}

function toInfo(key: string, output: Described, size: number | undefined): ObjectInfo {
  const { ETag, VersionId, LastModified, ContentType } = output;
  return {
    key,
    size: size ?? 0,
    etag: ETag === undefined ? undefined : toPlainEtag(ETag),
    // "null" is the version of an object from before versioning.
    version: VersionId === "null" ? undefined : VersionId,
    modifiedAt: LastModified,
    contentType: ContentType,
  };
}

function toRangeHeader({ offset, length }: ByteRange): string {
  return `bytes=${String(offset)}-${length === undefined ? "" : String(offset + length - 1)}`;
}

/** `bytes 0-9/1234`: the number behind the slash is the size of the whole object. */
function totalSize({
  ContentRange,
  ContentLength,
}: Sdk.GetObjectCommandOutput): number | undefined {
  const total = /\/(\d+)$/.exec(ContentRange ?? "")?.[1];
  return total === undefined ? ContentLength : Number(total);
}

function brokenAnswer(how: string): AppError {
  return new AppError({
    code: "unavailable",
    reason: "s3.malformed_answer",
    message: `the store answered ${how}`,
  });
}
