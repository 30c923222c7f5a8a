/**
 * Whether a `Range` counts beside an `If-Range` (RFC 9110 §13.1.5): with none, or with the strong tag of what would be sent. A date or
 * a weak tag is no proof of the same bytes, so the whole object is sent.
 */
export function mayUseRange(ifRange: string | undefined, etag: string | undefined): boolean {
  return ifRange === undefined || ifRange.trim() === etag;
}

/** A well-formed single range that begins at or behind the end: it is answered with 416. Everything else means the whole object. */
export function isRangeBehindEnd(header: string | undefined, size: number): boolean {
  const match = /^bytes=(?:(\d{1,15})-\d{0,15}|-(\d{1,15}))$/.exec(header?.trim() ?? "");
  if (match === null) return false;
  const [, first, suffix] = match;
  return first === undefined ? Number(suffix) === 0 || size === 0 : Number(first) >= size;
}
