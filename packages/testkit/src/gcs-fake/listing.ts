import { lowerBound } from "../s3-fake/bucket.ts";
import { toResource, type GcsBucket } from "./bucket.ts";
import { failures } from "./failure.ts";

/** Entries on a page, whatever the client asks for. */
const PAGE_LIMIT = 1_000;

/** `objects.list`: paging, offsets, delimiter and `fields`, as the JSON API does them. */
export function listObjects(bucket: GcsBucket, query: URLSearchParams, epoch: number): unknown {
  const { items, prefixes, nextPageToken } = selectPage(bucket, query, epoch);
  const page: Record<string, unknown> = { kind: "storage#objects" };
  if (nextPageToken !== undefined) page["nextPageToken"] = nextPageToken;
  if (prefixes.length > 0) page["prefixes"] = prefixes;
  if (items.length > 0) page["items"] = items;
  const fields = query.get("fields");
  return fields === null ? page : selectFields(page, fields);
}

/** `a,b(c,d)`: what is not named is left out, a page token too. */
export function selectFields(value: unknown, fields: string): unknown {
  if (Array.isArray(value)) return value.map((item) => selectFields(item, fields));
  if (typeof value !== "object" || value === null) return value;
  const source = value as Record<string, unknown>;
  const selected: Record<string, unknown> = {};
  for (const [, name = "", inner] of fields.matchAll(/([\w*]+)(?:\(([^()]*)\))?/g)) {
    if (source[name] === undefined) continue;
    selected[name] = inner === undefined ? source[name] : selectFields(source[name], inner);
  }
  return selected;
}

interface Page {
  readonly items: readonly unknown[];
  readonly prefixes: readonly string[];
  readonly nextPageToken: string | undefined;
}

function selectPage(bucket: GcsBucket, query: URLSearchParams, epoch: number): Page {
  const { keys } = bucket;
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const limit = Math.min(Number(query.get("maxResults") ?? PAGE_LIMIT), PAGE_LIMIT);
  if (!Number.isInteger(limit) || limit < 1) throw failures.invalid("Invalid maxResults");
  const end = query.get("endOffset");
  const items: unknown[] = [];
  const prefixes: string[] = [];
  let index = startIndex(keys, query, epoch);
  for (;;) {
    const key = keys[index];
    if (key === undefined || !key.startsWith(prefix) || isBehind(key, end))
      return { items, prefixes, nextPageToken: undefined };
    if (items.length + prefixes.length >= limit)
      return { items, prefixes, nextPageToken: makeToken(key, epoch) };
    const cut = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    if (cut === -1) {
      const object = bucket.find(key);
      if (object !== undefined) items.push(toResource(bucket, object));
      index += 1;
    } else {
      const folder = key.slice(0, cut + delimiter.length);
      prefixes.push(folder);
      while (keys[index]?.startsWith(folder) === true) index += 1;
    }
  }
}

function isBehind(key: string, end: string | null): boolean {
  return end !== null && lowerBound([key], end) === 0;
}

function startIndex(keys: readonly string[], query: URLSearchParams, epoch: number): number {
  const token = query.get("pageToken");
  const from = token === null ? (query.get("startOffset") ?? "") : readToken(token, epoch);
  return Math.max(lowerBound(keys, query.get("prefix") ?? ""), lowerBound(keys, from));
}

function makeToken(next: string, epoch: number): string {
  return Buffer.from(JSON.stringify([next, epoch])).toString("base64url");
}

/** Tokens of an older epoch are refused: that is how a test lets them expire. */
function readToken(token: string, epoch: number): string {
  try {
    const [next, issued] = JSON.parse(Buffer.from(token, "base64url").toString()) as [
      string,
      number,
    ];
    if (issued === epoch) return next;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw failures.invalid("Invalid Value");
}
