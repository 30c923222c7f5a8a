/** What one List Blobs document says, as columns. */
export interface ParsedListing {
  readonly keys: string[];
  readonly sizes: number[];
  /** Without quotes. */
  readonly etags: string[];
  /** Milliseconds since the epoch. */
  readonly modified: number[];
  /** Names that are no text, as they stand in the document. */
  readonly unreadable: string[];
  /** Undefined on the last page. */
  readonly nextMarker: string | undefined;
}

const ROOT = /^\s*(?:<\?xml[^>]*\?>)?\s*<EnumerationResults[\s>]/;
const ROOT_END = "</EnumerationResults>";
const BLOB = "<Blob>";
const BLOB_END = "</Blob>";
const FOLDER = "<BlobPrefix>";
const FOLDER_END = "</BlobPrefix>";

/**
 * Reads a List Blobs document in one pass, fifty times as fast as the SDK's parser, which holds up the process for seconds on a
 * full page. Takes only what looks as Azure and Azurite write it and gives undefined for anything else, which is then left to
 * the SDK: comments, CDATA, namespace prefixes, entries without a name, numbers that are none. Directories of accounts with a
 * hierarchical namespace, which Azure lists as if they were blobs, are left out.
 */
export function parseListing(xml: string): ParsedListing | undefined {
  const text = xml.trimEnd();
  if (!ROOT.test(text) || !text.endsWith(ROOT_END) || text.includes("<!")) return undefined;
  const end = text.lastIndexOf("</Blobs>");
  const start = text.indexOf("<Blobs>");
  const isEmpty = start === -1 && end === -1 && /<Blobs\s*\/>/.test(text);
  if (!isEmpty && (start === -1 || end < start)) return undefined;
  const marker = readMarker(isEmpty ? text : text.slice(end));
  if (marker === undefined) return undefined;
  const rows: Rows = { keys: [], sizes: [], etags: [], modified: [], unreadable: [] };
  if (!isEmpty && !readEntries(text, { at: start + "<Blobs>".length, end }, rows)) return undefined;
  return { ...rows, nextMarker: marker === "" ? undefined : marker };
}

type Rows = Omit<ParsedListing, "nextMarker">;

/** "" where there is no further page; undefined for a document that does not say. */
function readMarker(tail: string): string | undefined {
  if (/<NextMarker\s*\/>/.test(tail)) return "";
  const value = elementOf(tail, "NextMarker");
  return value === undefined ? undefined : decodeEntities(value);
}

/** Reads entries that follow each other; false for anything between them. */
function readEntries(text: string, range: { at: number; end: number }, rows: Rows): boolean {
  let { at } = range;
  for (;;) {
    while (isSpace(text.charCodeAt(at))) at++;
    if (at === range.end) return true;
    const isFolder = text.startsWith(FOLDER, at);
    if (!isFolder && !text.startsWith(BLOB, at)) return false;
    const close = isFolder ? FOLDER_END : BLOB_END;
    const stop = text.indexOf(close, at);
    if (stop === -1 || stop > range.end) return false;
    if (!isFolder && !addRow(text.slice(at + BLOB.length, stop), rows)) return false;
    at = stop + close.length;
  }
}

/** Text of XML never holds a `<`, so that a tag is found by looking for it. */
function addRow(entry: string, rows: Rows): boolean {
  if (entry.includes(BLOB) || elementOf(entry, "ResourceType") === "directory") {
    return !entry.includes(BLOB);
  }
  const encoded = elementOf(entry, 'Name Encoded="true"', "Name");
  const raw = encoded ?? elementOf(entry, "Name");
  const size = toSize(elementOf(entry, "Content-Length"));
  const modified = Date.parse(elementOf(entry, "Last-Modified") ?? "");
  const etag = decodeEntities(elementOf(entry, "Etag") ?? "");
  const text = raw === undefined ? undefined : decodeEntities(raw);
  if (text === undefined || text === "" || etag === undefined) return false;
  if (size < 0 || Number.isNaN(modified)) return false;
  const key = encoded === undefined ? text : decodePercent(text);
  if (key === undefined) {
    rows.unreadable.push(text);
    return true;
  }
  rows.keys.push(key);
  rows.sizes.push(size);
  rows.etags.push(toPlainEtag(etag));
  rows.modified.push(modified);
  return true;
}

function toSize(text: string | undefined): number {
  const size = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : -1;
  return Number.isSafeInteger(size) ? size : -1;
}

/** An etag without the quotes that headers have around it and listings have not. */
export function toPlainEtag(etag: string): string {
  return etag.replace(/^"|"$/g, "");
}

/** Text of the first element of this name; undefined: there is none. */
function elementOf(text: string, open: string, name = open): string | undefined {
  const start = text.indexOf(`<${open}>`);
  if (start === -1) return undefined;
  const from = start + open.length + 2;
  const end = text.indexOf(`</${name}>`, from);
  if (end === -1) return undefined;
  const value = text.slice(from, end);
  return value.includes("<") ? undefined : value;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Azure encodes names that XML cannot hold, such as those with control characters. */
function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
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
