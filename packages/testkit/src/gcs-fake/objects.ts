import { createHash } from "node:crypto";
import { toResource, type GcsBucket, type GcsObject } from "./bucket.ts";
import { failures, GcsFailure } from "./failure.ts";
import { selectFields } from "./listing.ts";
import { jsonReply, type GcsReply } from "./reply.ts";

/** A request about one object of a bucket that exists. */
export interface ObjectCall {
  readonly bucket: GcsBucket;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** `ifGenerationMatch` and `ifGenerationNotMatch`; 0 stands for an object that does not exist. */
export function checkConditions(query: URLSearchParams, object: GcsObject | undefined): void {
  const generation = object?.generation ?? "0";
  const wanted = query.get("ifGenerationMatch");
  if (wanted !== null && wanted !== generation) throw failures.conditionNotMet();
  const unwanted = query.get("ifGenerationNotMatch");
  if (unwanted !== null && unwanted === generation)
    throw new GcsFailure(304, "notModified", "Not Modified");
}

/** An object's resource, or its `fields`. */
export function resourceReply(
  bucket: GcsBucket,
  object: GcsObject,
  query: URLSearchParams,
): GcsReply {
  const fields = query.get("fields");
  const resource = toResource(bucket, object);
  return jsonReply(200, fields === null ? resource : selectFields(resource, fields));
}

/** The bytes of an object: `alt=media`, and signed URLs with their `response-*` overrides. */
export function mediaReply(
  object: GcsObject,
  headers: ObjectCall["headers"],
  query: URLSearchParams,
): GcsReply {
  const { body, generation, md5Hash } = object;
  const disposition = query.get("response-content-disposition");
  const common = {
    "content-type": query.get("response-content-type") ?? object.contentType,
    ...(disposition === null ? {} : { "content-disposition": disposition }),
    "accept-ranges": "bytes",
    "last-modified": object.updated.toUTCString(),
    etag: `"${md5Hash}"`,
    "x-goog-generation": generation,
    "x-goog-metageneration": "1",
    "x-goog-hash": `crc32c=${object.crc32c},md5=${md5Hash}`,
    "x-goog-stored-content-length": String(body.length),
    "x-goog-stored-content-encoding": "identity",
  };
  const range = parseRange(headers["range"], body.length);
  if (range === undefined)
    return { status: 200, headers: common, length: body.length, chunks: inPieces(body) };
  const part = body.subarray(range.first, range.last + 1);
  const contentRange = `bytes ${String(range.first)}-${String(range.last)}/${String(body.length)}`;
  return {
    status: 206,
    headers: { ...common, "content-range": contentRange },
    length: part.length,
    chunks: inPieces(part),
  };
}

/** What an upload holds. Throws 400 for a body that is not what it says. */
export function readUpload({ query, headers, body }: Omit<ObjectCall, "bucket" | "key">): {
  readonly key: string;
  readonly contentType: string | undefined;
  readonly bytes: Buffer;
} {
  const type = String(headers["content-type"] ?? "");
  if (query.get("uploadType") === "media")
    return { key: checkKey(query.get("name")), contentType: type, bytes: body };
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1];
  if (query.get("uploadType") !== "multipart" || boundary === undefined)
    throw failures.invalid("The fake knows uploadType media and multipart");
  const [metadata, media] = splitParts(body, boundary);
  if (metadata === undefined || media === undefined)
    throw failures.invalid("Multipart must have two parts");
  const { name, contentType, md5Hash } = JSON.parse(metadata.toString()) as Record<
    string,
    string | undefined
  >;
  if (md5Hash !== undefined && md5Hash !== createHash("md5").update(media).digest("base64"))
    throw failures.invalid("Provided MD5 hash does not match the calculated MD5 hash.");
  return { key: checkKey(query.get("name") ?? name), contentType, bytes: media };
}

/** https://cloud.google.com/storage/docs/objects#naming */
function checkKey(key: string | null | undefined): string {
  const isName =
    typeof key === "string" &&
    key !== "" &&
    Buffer.byteLength(key) <= 1_024 &&
    !/[\r\n]|^\.\.?$/.test(key);
  if (isName) return key;
  throw failures.invalid("The specified object name is not valid.");
}

/** The bodies of the parts; they hold any bytes, so nothing is decoded. */
function splitParts(body: Buffer, boundary: string): readonly Buffer[] {
  const mark = Buffer.from(`--${boundary}`);
  const starts: number[] = [];
  for (let at = body.indexOf(mark); at !== -1; at = body.indexOf(mark, at + 1)) starts.push(at);
  return starts.slice(0, -1).map((start, index) => {
    const part = body.subarray(start + mark.length + 2, (starts[index + 1] ?? 0) - 2);
    return part.subarray(part.indexOf("\r\n\r\n") + 4);
  });
}

function parseRange(
  header: string | string[] | undefined,
  size: number,
): { readonly first: number; readonly last: number } | undefined {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(String(header ?? ""));
  if (parts === null || parts[0] === "bytes=-") return undefined;
  const [, from = "", to = ""] = parts;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (first < size && last >= first) return { first, last };
  throw new GcsFailure(416, "requestedRangeNotSatisfiable", "Request range not satisfiable", {
    "content-range": `bytes */${String(size)}`,
  });
}

function* inPieces(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += 64 * 1024) yield bytes.subarray(at, at + 64 * 1024);
}
