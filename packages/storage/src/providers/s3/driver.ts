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
import type { S3Credentials } from "./credentials.ts";
import { answerOf, classifyS3Error, explainError } from "./errors.ts";
import { fetchPage } from "./list-page.ts";
import { toPlainEtag } from "./list-parser.ts";
import { Presigner } from "./presign.ts";

/** Directory buckets (S3 Express One Zone) list in no order and cannot start after a key. */
const DIRECTORY_BUCKET_SUFFIX = "--x-s3";

/** What the driver works with. */
export interface S3DriverDeps {
  readonly sdk: typeof Sdk;
  readonly bucket: BucketClient;
  readonly bucketName: string | undefined;
  readonly credentials: S3Credentials;
  /** Encrypts what is written with this KMS key. */
  readonly kmsKeyId: string | undefined;
}

/** Amazon S3 and the stores that speak its interface. */
export class S3Driver implements StorageDriver {
  readonly traits: DriverTraits;
  readonly #deps: S3DriverDeps;
  readonly #presigner: Presigner;

  constructor(deps: S3DriverDeps) {
    const isDirectoryBucket = deps.bucketName?.endsWith(DIRECTORY_BUCKET_SUFFIX) === true;
    this.#deps = deps;
    this.#presigner = new Presigner(deps.credentials);
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
      return await this.#send(ctx, (client, Bucket) =>
        fetchPage(sdk, client, { Bucket, ...toListInput(request) }, ctx.signal),
      );
    } catch (error) {
      throw explainListError(error, request);
    }
  }

  async stat(key: string, ctx: OpContext): Promise<ObjectInfo> {
    const { sdk } = this.#deps;
    const head = await this.#send(ctx, (client, Bucket) =>
      client.send(new sdk.HeadObjectCommand({ Bucket, Key: key }), { abortSignal: ctx.signal }),
    );
    return toInfo(key, head, head.ContentLength);
  }

  async read(request: ReadRequest, ctx: OpContext): Promise<ReadResult> {
    const { sdk } = this.#deps;
    const { key, range, ifEtag } = request;
    const output = await this.#send(ctx, (client, Bucket) => {
      const command = new sdk.GetObjectCommand({
        Bucket,
        Key: key,
        ...(range === undefined ? {} : { Range: toRangeHeader(range) }),
        ...(ifEtag === undefined ? {} : { IfMatch: `"${ifEtag}"` }),
      });
      return client.send(command, { abortSignal: ctx.signal });
    });
    const stream = output.Body as Readable | undefined;
    if (stream === undefined) throw brokenRead("without a body");
    const body = streamBody(stream);
    const size = totalSize(output);
    if (range !== undefined && output.ContentRange === undefined) {
      stream.destroy();
      throw brokenRead("with the whole object instead of a part");
    }
    return { info: toInfo(key, output, size), body };
  }

  async put(request: PutRequest, ctx: OpContext): Promise<ObjectInfo> {
    const { sdk, kmsKeyId } = this.#deps;
    const { key, body, contentType, condition } = request;
    const input = {
      Key: key,
      Body: body,
      ContentLength: body.byteLength,
      ...(contentType === undefined ? {} : { ContentType: contentType }),
      ...(condition?.kind === "absent" ? { IfNoneMatch: "*" } : {}),
      ...(condition?.kind === "etag" ? { IfMatch: `"${condition.etag}"` } : {}),
      ...(kmsKeyId === undefined
        ? {}
        : { ServerSideEncryption: "aws:kms" as const, SSEKMSKeyId: kmsKeyId }),
    };
    try {
      const output = await this.#send(ctx, (client, Bucket) =>
        client.send(new sdk.PutObjectCommand({ Bucket, ...input }), { abortSignal: ctx.signal }),
      );
      return { ...toInfo(key, output, body.byteLength), contentType };
    } catch (error) {
      throw explainPutError(error, request);
    }
  }

  async delete(key: string, ctx: OpContext): Promise<void> {
    const { sdk } = this.#deps;
    await this.#send(ctx, (client, Bucket) =>
      client.send(new sdk.DeleteObjectCommand({ Bucket, Key: key }), { abortSignal: ctx.signal }),
    );
  }

  async presignRead(key: string, options: PresignOptions, ctx: OpContext): Promise<URL> {
    const place = await this.#deps.bucket.signingPlace(ctx.signal);
    return this.#presigner.sign(place, { key, options, nowMs: Date.now() });
  }

  classifyError(error: unknown): ErrorClass | undefined {
    return classifyS3Error(error);
  }

  /** The sockets belong to the egress and serve others too: the SDK's `destroy` would close them all. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #send<T>(ctx: OpContext, call: (client: Sdk.S3Client, bucket: string) => Promise<T>): Promise<T> {
    return this.#deps.bucket.send(call, ctx.signal);
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

function brokenRead(how: string): AppError {
  return new AppError({
    code: "unavailable",
    reason: "s3.malformed_answer",
    message: `the store answered ${how}`,
  });
}
