/** What one ListObjectsV2 document says, as columns. Keys are still encoded when `isEncoded`. */
export interface ParsedListing {
  readonly keys: string[];
  readonly sizes: number[];
  /** Without quotes; "" where there was none. */
  readonly etags: string[];
  /** Milliseconds since the epoch; 0 where there was none. */
  readonly modified: number[];
  readonly isEncoded: boolean;
  readonly isTruncated: boolean;
  readonly nextToken: string | undefined;
}

const ROOT = /^\s*(?:<\?xml[^>]*\?>)?\s*<ListBucketResult[\s>]/;
const ROOT_END = "</ListBucketResult>";
const ITEM = "<Contents>";
const ITEM_END = "</Contents>";
const ITEM_TAG_END = "Contents>";
const FIELDS: ReadonlySet<string> = new Set(["Key", "Size", "ETag", "LastModified"]);

/**
 * Reads a ListObjectsV2 document in one pass, ten times as fast as the SDK's parser. Takes only what looks exactly as
 * S3, MinIO and Ceph write it and gives undefined for anything else, which is then left to the SDK: attributes, comments,
 * CDATA, namespace prefixes, text between entries, numbers that are none, a count that differs.
 */
export function parseListing(xml: string): ParsedListing | undefined {
  const text = xml.trimEnd();
  if (!ROOT.test(text) || !text.endsWith(ROOT_END) || text.includes("<!")) return undefined;
  const first = text.indexOf(ITEM);
  const rows = { keys: [], sizes: [], etags: [], modified: [] };
  const end = first === -1 ? text.length - ROOT_END.length : readItems(text, first, rows);
  if (end === undefined) return undefined;
  const outside =
    (first === -1 ? text : text.slice(0, first)) + (first === -1 ? "" : text.slice(end));
  const head = readHead(outside);
  if (head === undefined) return undefined;
  const { keyCount, prefixCount, ...rest } = head;
  // S3 counts folders too, some stores only objects.
  const counts = [rows.keys.length, rows.keys.length + prefixCount];
  if (keyCount !== undefined && !counts.includes(keyCount)) return undefined;
  return { ...rows, ...rest };
}

/** Everything beside the entries. */
function readHead(outside: string):
  | (Pick<ParsedListing, "isEncoded" | "isTruncated" | "nextToken"> & {
      keyCount: number | undefined;
      prefixCount: number;
    })
  | undefined {
  const isTruncated = elementOf(outside, "IsTruncated");
  if (isTruncated !== "true" && isTruncated !== "false") return undefined;
  const encoding = elementOf(outside, "EncodingType");
  if (encoding !== undefined && encoding !== "url") return undefined;
  const keyCount = elementOf(outside, "KeyCount");
  const escapedToken = elementOf(outside, "NextContinuationToken");
  const nextToken = escapedToken === undefined ? undefined : decodeEntities(escapedToken);
  if (escapedToken !== undefined && nextToken === undefined) return undefined;
  return {
    isEncoded: encoding === "url",
    isTruncated: isTruncated === "true",
    nextToken,
    keyCount: keyCount === undefined ? undefined : Number(keyCount),
    prefixCount: outside.split("<CommonPrefixes>").length - 1,
  };
}

interface Rows {
  readonly keys: string[];
  readonly sizes: number[];
  readonly etags: string[];
  readonly modified: number[];
}

/** Reads entries that follow each other from `start` on; gives the index behind the last one. */
function readItems(text: string, start: number, rows: Rows): number | undefined {
  let at = start;
  while (text.startsWith(ITEM, at)) {
    const end = readItem(text, at + ITEM.length, rows);
    if (end === undefined) return undefined;
    at = end;
    while (isSpace(text.charCodeAt(at))) at++;
  }
  return text.includes(ITEM, at) ? undefined : at;
}

/** Reads one entry, whatever the order of its elements; gives the index behind it. */
function readItem(text: string, start: number, rows: Rows): number | undefined {
  const entry: Entry = { key: undefined, size: -1, etag: "", modified: 0 };
  let at = start;
  for (;;) {
    while (isSpace(text.charCodeAt(at))) at++;
    if (text.startsWith(ITEM_END, at)) break;
    const nameEnd = text.indexOf(">", at);
    if (text.charCodeAt(at) !== LESS_THAN || nameEnd === -1) return undefined;
    const name = text.slice(at + 1, nameEnd);
    if (/^[A-Za-z]+\/$/.test(name)) {
      at = nameEnd + 1;
      continue;
    }
    const valueEnd = text.indexOf(`</${name}>`, nameEnd);
    if (valueEnd === -1) return undefined;
    if (!setField(entry, name, text.slice(nameEnd + 1, valueEnd))) return undefined;
    at = valueEnd + name.length + 3;
  }
  return addRow(rows, entry) ? at + ITEM_END.length : undefined;
}

interface Entry {
  key: string | undefined;
  size: number;
  etag: string | undefined;
  modified: number;
}

/** False for what does not look as S3 writes it. */
function setField(entry: Entry, name: string, value: string): boolean {
  // A closing tag that was spelled differently lets the value reach into the next element.
  if (value.includes(FIELDS.has(name) ? "<" : ITEM_TAG_END)) return false;
  if (name === "Key") entry.key = decodeEntities(value);
  else if (name === "Size") entry.size = toSize(value);
  else if (name === "ETag") entry.etag = stripQuotes(value);
  else if (name === "LastModified") entry.modified = Date.parse(value);
  else return /^[A-Za-z]+$/.test(name);
  return true;
}

function addRow(rows: Rows, { key, size, etag, modified }: Entry): boolean {
  if (key === undefined || key === "" || etag === undefined) return false;
  if (size < 0 || Number.isNaN(modified)) return false;
  rows.keys.push(key);
  rows.sizes.push(size);
  rows.etags.push(etag);
  rows.modified.push(modified);
  return true;
}

const LESS_THAN = 0x3c;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function toSize(text: string): number {
  const size = /^\d{1,16}$/.test(text) ? Number(text) : -1;
  return Number.isSafeInteger(size) ? size : -1;
}

function stripQuotes(value: string): string | undefined {
  if (value.startsWith("&quot;") && value.endsWith("&quot;") && value.length >= 12) {
    return decodeEntities(value.slice(6, -6));
  }
  const etag = decodeEntities(value);
  return etag === undefined ? undefined : toPlainEtag(etag);
}

/** An etag without the quotes around it. */
export function toPlainEtag(etag: string): string {
  return etag.replace(/^"|"$/g, "");
}

/** Text of the only element of this name, or undefined; elements with attributes are not seen. */
function elementOf(text: string, name: string): string | undefined {
  const start = text.indexOf(`<${name}>`);
  if (start === -1) return undefined;
  const from = start + name.length + 2;
  const end = text.indexOf(`</${name}>`, from);
  return end === -1 ? undefined : text.slice(from, end);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "amp;": "&",
  "lt;": "<",
  "gt;": ">",
  "quot;": '"',
  "apos;": "'",
};

/** Undefined for an ampersand that begins none of XML's own entities. */
function decodeEntities(text: string): string | undefined {
  if (!text.includes("&")) return text;
  const unknown: string[] = [];
  const decoded = text.replace(/&([^;&]{0,8};?)/g, (whole, name: string) => {
    const char = ENTITIES[name] ?? decodeNumeric(name);
    if (char === undefined) unknown.push(whole);
    return char ?? "";
  });
  return unknown.length === 0 ? decoded : undefined;
}

function decodeNumeric(name: string): string | undefined {
  const [, hex, decimal] = /^#(?:x([0-9a-fA-F]+)|(\d+));$/.exec(name) ?? [];
  const digits = hex ?? decimal;
  if (digits === undefined) return undefined;
  const point = Number.parseInt(digits, hex === undefined ? 10 : 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : undefined;
}
