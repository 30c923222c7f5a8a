import { isShownInline } from "./media-type.ts";

/** Nothing that lies in a user's store may run with our origin: https://www.w3.org/TR/CSP3/#directive-sandbox */
const SANDBOX =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'; sandbox";

/** Headers of every object that we stream to a browser. Access is asked again at each use, so caches must ask too. */
export function toObjectHeaders(mediaType: string, name: string): Record<string, string> {
  return {
    "content-type": mediaType,
    "content-disposition": toDisposition(mediaType, name),
    "content-security-policy": SANDBOX,
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "cache-control": "private, no-cache",
    vary: "Cookie, Authorization",
    "accept-ranges": "bytes",
  };
}

/** RFC 6266 with the name of RFC 8187: quotes, line breaks and other scripts cannot break the header. */
export function toDisposition(mediaType: string, name: string): string {
  const kind = isShownInline(mediaType) ? "inline" : "attachment";
  const fileName = name.slice(name.lastIndexOf("/") + 1).toWellFormed();
  return `${kind}; filename*=UTF-8''${encodeURIComponent(fileName).replace(/['()*]/g, toPercent)}`;
}

function toPercent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
