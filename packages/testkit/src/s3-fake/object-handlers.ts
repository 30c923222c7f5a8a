import { storedBytes, type Bucket, type StoredObject } from "./bucket.ts";
import { failures, S3Failure } from "./failure.ts";
import { emptyReply, type Reply } from "./reply.ts";

/** A request about one object. */
export interface ObjectRequest {
  readonly bucket: Bucket;
  readonly key: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

const OVERRIDES: readonly (readonly [parameter: string, header: string])[] = [
  ["response-content-type", "content-type"],
  ["response-content-disposition", "content-disposition"],
  ["response-cache-control", "cache-control"],
];

const ENCRYPTION_HEADERS = [
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
];

/** GetObject and HeadObject: ranges, If-Match, If-None-Match, `response-*` overrides. */
export function getObject({ bucket, key, headers, query }: ObjectRequest): Reply {
  const object = bucket.find(key);
  if (object === undefined) throw failures.noSuchKey(key);
  const ifMatch = textOf(headers["if-match"]);
  if (ifMatch !== undefined && !etagMatches(ifMatch, object))
    throw failures.preconditionFailed("If-Match");
  const ifNoneMatch = textOf(headers["if-none-match"]);
  if (ifNoneMatch !== undefined && etagMatches(ifNoneMatch, object)) return emptyReply(304);
  const answer: Record<string, string> = {
    ...objectHeaders(object),
    "content-type": object.contentType,
  };
  for (const [parameter, header] of OVERRIDES) {
    const value = query.get(parameter);
    if (value !== null) answer[header] = value;
  }
  const range = parseRange(textOf(headers["range"]), object.size);
  if (range === undefined) {
    return {
      status: 200,
      headers: answer,
      length: object.size,
      chunks: object.chunks(0, object.size),
    };
  }
  const { first, last } = range;
  answer["content-range"] = `bytes ${String(first)}-${String(last)}/${String(object.size)}`;
  const length = last - first + 1;
  return { status: 206, headers: answer, length, chunks: object.chunks(first, length) };
}

/** Whether the conditions of a PUT hold now. Throws PreconditionFailed, or NoSuchKey for If-Match on nothing. */
export function checkPutConditions({ bucket, key, headers }: ObjectRequest): void {
  const object = bucket.find(key);
  const ifNoneMatch = textOf(headers["if-none-match"]);
  if (ifNoneMatch !== undefined && ifNoneMatch !== "*") throw new S3Failure(501, "NotImplemented");
  if (ifNoneMatch === "*" && object !== undefined)
    throw failures.preconditionFailed("If-None-Match");
  const ifMatch = textOf(headers["if-match"]);
  if (ifMatch === undefined) return;
  if (object === undefined) throw failures.noSuchKey(key);
  if (!etagMatches(ifMatch, object)) throw failures.preconditionFailed("If-Match");
}

/** PutObject; the conditions were checked. */
export function putObject({ bucket, key, headers, body }: ObjectRequest): Reply {
  if (Buffer.byteLength(key) > 1_024)
    throw new S3Failure(400, "KeyTooLongError", { message: "Your key is too long" });
  const encryption: Record<string, string> = {};
  for (const name of ENCRYPTION_HEADERS) {
    const value = textOf(headers[name]);
    if (value !== undefined) encryption[name] = value;
  }
  const object = storedBytes(body, { contentType: textOf(headers["content-type"]), encryption });
  bucket.put(key, object);
  return emptyReply(200, { etag: `"${object.etag}"`, ...encryption });
}

function objectHeaders(object: StoredObject): Record<string, string> {
  return {
    etag: `"${object.etag}"`,
    "last-modified": object.modifiedAt.toUTCString(),
    "accept-ranges": "bytes",
    ...object.encryption,
  };
}

function parseRange(
  header: string | undefined,
  size: number,
): { first: number; last: number } | undefined {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (parts === null || parts[0] === "bytes=-") return undefined;
  const [, from = "", to = ""] = parts;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== "" && to !== "" && Number(to) < first) return undefined;
  if (first < size && (from !== "" || Number(to) > 0)) return { first, last };
  throw new S3Failure(416, "InvalidRange", {
    message: "The requested range is not satisfiable",
    headers: { "content-range": `bytes */${String(size)}` },
    extra: { ActualObjectSize: String(size) },
  });
}

function etagMatches(header: string, object: StoredObject): boolean {
  return (
    header === "*" ||
    header.split(",").some((tag) => tag.trim().replace(/^"|"$/g, "") === object.etag)
  );
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}
