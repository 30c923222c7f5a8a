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

const BYTES = "application/octet-stream";

/** The media type that the name of an object stands for. */
export function mediaTypeOf(name: string): string {
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? "";
  return TYPES[extension] ?? BYTES;
}

/** What the store says where that is a type at all, else what the name stands for. Never guessed from the bytes. */
export function chooseMediaType(info: {
  readonly key: string;
  readonly contentType?: string | undefined;
}): string {
  const stored = info.contentType?.trim().toLowerCase() ?? "";
  const isSaid = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+(?:\s*;.*)?$/.test(stored);
  return isSaid && !UNSAID.test(stored) ? stored : mediaTypeOf(info.key);
}

/** Types that stores give to what nobody named. */
const UNSAID = /^(?:application|binary)\/(?:octet-stream|x-unknown)/;

const INLINE =
  /^(?:image\/(?!svg)|audio\/|video\/|application\/(?:pdf|json|x-ndjson)|text\/(?:plain|csv|tab-separated-values|markdown|vtt))/;

/** Types that a browser may show from our origin; the others could run as a page of ours and become downloads. */
export function isShownInline(mediaType: string): boolean {
  return INLINE.test(mediaType);
}
