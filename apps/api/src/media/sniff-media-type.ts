/** What formats that cannot hold a script begin with, in Latin-1, and where in it. */
const MAGIC: readonly (readonly [at: number, start: string, type: string])[] = [
  [0, "\xff\xd8\xff", "image/jpeg"],
  [0, "\x89PNG\r\n\x1a\n", "image/png"],
  [0, "GIF87a", "image/gif"],
  [0, "GIF89a", "image/gif"],
  [8, "WEBPVP8", "image/webp"],
  [0, "II*\0", "image/tiff"],
  [0, "MM\0*", "image/tiff"],
  [4, "ftypavif", "image/avif"],
  [4, "ftypheic", "image/heic"],
  [4, "ftypM4A ", "audio/mp4"],
  [4, "ftypqt  ", "video/quicktime"],
  [4, "ftyp", "video/mp4"],
  [8, "WAVEfmt ", "audio/x-wav"],
  [0, "fLaC", "audio/flac"],
  [0, "ID3", "audio/mpeg"],
  [0, "OggS", "audio/ogg"],
  [0, "\x1aE\xdf\xa3", "video/webm"],
  [0, "%PDF-", "application/pdf"],
];
/** More than any of them looks at. */
const ENOUGH_BYTES = 32;

/**
 * What the first bytes of an object say where neither its store nor its name says anything. Never a type that a browser could run:
 * HTML, SVG, XML and scripts are found by nobody, so they stay downloads.
 */
export function sniffMediaType(firstBytes: Uint8Array): string | undefined {
  const start = Buffer.from(firstBytes.subarray(0, ENOUGH_BYTES)).toString("latin1");
  return MAGIC.find(([at, bytes]) => start.startsWith(bytes, at))?.[2];
}
