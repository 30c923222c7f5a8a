import { compareKeys } from "@bucketbridge/core";
import { lowerBound, type Bucket } from "./bucket.ts";
import { failures } from "./failure.ts";
import { encodeKey, escapeXml } from "./xml.ts";

/** A ListObjectsV2 request, understood. */
export interface ListQuery {
  readonly prefix: string;
  readonly delimiter: string;
  readonly startAfter: string;
  readonly token: string | undefined;
  readonly maxKeys: number;
  readonly urlEncoded: boolean;
}

/** Keys on a page, whatever the client asks for. */
const PAGE_LIMIT = 1_000;

/** Reads the parameters; an answer never has more than 1,000 entries. Throws InvalidArgument. */
export function parseListQuery(query: URLSearchParams): ListQuery {
  const maxKeys = Number(query.get("max-keys") ?? String(PAGE_LIMIT));
  if (!Number.isInteger(maxKeys) || maxKeys < 0) {
    throw failures.invalidArgument(
      "max-keys",
      "Provided max-keys not an integer or within integer range",
    );
  }
  const encodingType = query.get("encoding-type");
  if (encodingType !== null && encodingType !== "url") {
    throw failures.invalidArgument("encoding-type", "Invalid Encoding Method specified in Request");
  }
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    startAfter: query.get("start-after") ?? "",
    token: query.get("continuation-token") ?? undefined,
    maxKeys: Math.min(maxKeys, PAGE_LIMIT),
    urlEncoded: encodingType === "url",
  };
}

/** Tokens that were issued under an older epoch are refused: that is how a test lets them expire. */
export function makeToken(kind: "key" | "prefix", last: string, epoch: number): string {
  return Buffer.from(JSON.stringify([kind, last, epoch])).toString("base64url");
}

/** Where a page starts. `prefix`: behind all keys with it. Throws InvalidArgument for a token that is not ours. */
export function readToken(
  token: string,
  epoch: number,
): { readonly kind: string; readonly last: string } {
  try {
    const [kind, last, issued] = JSON.parse(Buffer.from(token, "base64url").toString()) as [
      string,
      string,
      number,
    ];
    if (issued === epoch) return { kind, last };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw failures.invalidArgument(
    "continuation-token",
    "The continuation token provided is incorrect",
  );
}

interface Page {
  readonly contents: readonly string[];
  readonly prefixes: readonly string[];
  readonly nextToken: string | undefined;
}

/** The ListObjectsV2 document for a bucket of ordinary objects. */
export function renderPage(bucket: Bucket, query: ListQuery, epoch: number): string {
  const page = selectPage(bucket.keys, query, epoch);
  const text = (value: string): string => escapeXml(query.urlEncoded ? encodeKey(value) : value);
  const contents = page.contents.map((key) => {
    const object = bucket.find(key);
    return (
      `<Contents><Key>${text(key)}</Key><LastModified>${object?.modifiedAt.toISOString() ?? ""}</LastModified>` +
      `<ETag>&quot;${object?.etag ?? ""}&quot;</ETag><Size>${String(object?.size ?? 0)}</Size><StorageClass>STANDARD</StorageClass></Contents>`
    );
  });
  const prefixes = page.prefixes.map(
    (prefix) => `<CommonPrefixes><Prefix>${text(prefix)}</Prefix></CommonPrefixes>`,
  );
  const count = contents.length + prefixes.length;
  const head = renderHead(bucket.name, query, { count, nextToken: page.nextToken });
  return `${head}${contents.join("")}${prefixes.join("")}</ListBucketResult>`;
}

/** Everything before the first entry, in the order of the real service. */
export function renderHead(
  bucket: string,
  query: ListQuery,
  page: { readonly count: number; readonly nextToken: string | undefined },
): string {
  const text = (value: string): string => escapeXml(query.urlEncoded ? encodeKey(value) : value);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    `<Name>${bucket}</Name><Prefix>${text(query.prefix)}</Prefix>`,
    query.startAfter === "" ? "" : `<StartAfter>${text(query.startAfter)}</StartAfter>`,
    query.token === undefined ? "" : `<ContinuationToken>${query.token}</ContinuationToken>`,
    page.nextToken === undefined
      ? ""
      : `<NextContinuationToken>${page.nextToken}</NextContinuationToken>`,
    `<KeyCount>${String(page.count)}</KeyCount><MaxKeys>${String(query.maxKeys)}</MaxKeys>`,
    query.delimiter === "" ? "" : `<Delimiter>${text(query.delimiter)}</Delimiter>`,
    query.urlEncoded ? "<EncodingType>url</EncodingType>" : "",
    `<IsTruncated>${String(page.nextToken !== undefined)}</IsTruncated>`,
  ].join("");
}

function selectPage(keys: readonly string[], query: ListQuery, epoch: number): Page {
  const contents: string[] = [];
  const prefixes: string[] = [];
  let index = startIndex(keys, query, epoch);
  let last: { readonly kind: "key" | "prefix"; readonly value: string } | undefined;
  while (contents.length + prefixes.length < query.maxKeys) {
    const key = keys[index];
    if (key === undefined || !key.startsWith(query.prefix))
      return { contents, prefixes, nextToken: undefined };
    const cut = query.delimiter === "" ? -1 : key.indexOf(query.delimiter, query.prefix.length);
    if (cut === -1) {
      contents.push(key);
      last = { kind: "key", value: key };
      index += 1;
    } else {
      const prefix = key.slice(0, cut + query.delimiter.length);
      prefixes.push(prefix);
      last = { kind: "prefix", value: prefix };
      index = indexBehind(keys, prefix, index);
    }
  }
  const more = keys[index]?.startsWith(query.prefix) === true;
  if (!more || last === undefined) return { contents, prefixes, nextToken: undefined };
  return { contents, prefixes, nextToken: makeToken(last.kind, last.value, epoch) };
}

function startIndex(keys: readonly string[], query: ListQuery, epoch: number): number {
  const token = query.token === undefined ? undefined : readToken(query.token, epoch);
  const first = lowerBound(keys, query.prefix);
  if (token?.kind === "prefix")
    return Math.max(first, indexBehind(keys, token.last, lowerBound(keys, token.last)));
  const after = token?.last ?? query.startAfter;
  if (after === "") return first;
  const index = lowerBound(keys, after);
  const behind = compareKeys(keys[index] ?? "", after) === 0 ? index + 1 : index;
  return Math.max(first, behind);
}

/** Index of the first key from `from` on that does not start with `prefix`. */
function indexBehind(keys: readonly string[], prefix: string, from: number): number {
  let low = from;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]?.startsWith(prefix) === true) low = middle + 1;
    else high = middle;
  }
  return low;
}
