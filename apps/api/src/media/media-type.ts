/** By extension; what is not here is sent as bytes. */
const TYPES: Readonly<Record<string, string>> = {
  avif: "image/avif",
  bmp: "image/bmp",
  gif: "image/gif",
  heic: "image/heic",
  ico: "image/x-icon",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  png: "image/png",
  svg: "image/svg+xml",
  tif: "image/tiff",
  tiff: "image/tiff",
  webp: "image/webp",
  aac: "audio/aac",
  flac: "audio/flac",
  m4a: "audio/mp4",
  mp3: "audio/mpeg",
  oga: "audio/ogg",
  ogg: "audio/ogg",
  opus: "audio/ogg",
  wav: "audio/x-wav",
  weba: "audio/webm",
  avi: "video/x-msvideo",
  m4v: "video/mp4",
  mkv: "video/x-matroska",
  mov: "video/quicktime",
  mp4: "video/mp4",
  mpeg: "video/mpeg",
  ogv: "video/ogg",
  webm: "video/webm",
  csv: "text/csv; charset=utf-8",
  htm: "text/html; charset=utf-8",
  html: "text/html; charset=utf-8",
  md: "text/markdown; charset=utf-8",
  tsv: "text/tab-separated-values; charset=utf-8",
  txt: "text/plain; charset=utf-8",
  xhtml: "application/xhtml+xml",
  xml: "application/xml",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  json: "application/json",
  jsonl: "application/x-ndjson",
  ndjson: "application/x-ndjson",
  parquet: "application/vnd.apache.parquet",
  pdf: "application/pdf",
  vtt: "text/vtt; charset=utf-8",
};

/** What nobody knows more about. */
export const UNKNOWN_TYPE = "application/octet-stream";

/** The media type that the name of an object stands for; undefined for a name that says nothing. */
export function findMediaType(name: string): string | undefined {
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? "";
  return Object.hasOwn(TYPES, extension) ? TYPES[extension] : undefined;
}

/** The same, with the type of mere bytes for a name that says nothing. */
export function mediaTypeOf(name: string): string {
  return findMediaType(name) ?? UNKNOWN_TYPE;
}

/**
 * What the store says where that is one well-formed type, else what the name stands for. Parameters other than the charset are left
 * out, and a list is no type: browsers take its last member, which could be another one than was looked at here.
 */
export function chooseMediaType(info: {
  readonly key: string;
  readonly contentType?: string | undefined;
}): string {
  return readStoredType(info.contentType ?? "") ?? mediaTypeOf(info.key);
}

const ESSENCE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/;
const CHARSET = /^charset="?([a-z0-9_.:-]{1,40})"?$/;
/** Types that stores give to what nobody named. */
const UNSAID = /^(?:application|binary)\/(?:octet-stream|x-unknown)$/;

function readStoredType(stored: string): string | undefined {
  const [essence = "", ...parameters] = stored
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  if (stored.includes(",") || !ESSENCE.test(essence) || UNSAID.test(essence)) return undefined;
  const charsets = parameters.flatMap((parameter) => CHARSET.exec(parameter)?.[1] ?? []);
  return charsets[0] === undefined ? essence : `${essence}; charset=${charsets[0]}`;
}

const INLINE =
  /^(?:(?:image|audio|video)\/(?![^;]*(?:svg|xml|html))|(?:application\/(?:pdf|json|x-ndjson)|text\/(?:plain|csv|tab-separated-values|markdown|vtt))(?=;|$))/;

/** Types that a browser may show from our origin; the others could run as a page of ours and become downloads. */
export function isShownInline(mediaType: string): boolean {
  return INLINE.test(mediaType);
}
