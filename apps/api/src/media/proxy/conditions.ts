import { hash } from "node:crypto";
import type { BodyRange } from "../range.ts";

/**
 * The tag of an object of a source: two sources never share one, nor one source before and after its settings changed, and it is plain
 * ASCII whatever the store's own tag is. Undefined where the store does not tell versions apart, so that nothing counts as unchanged.
 */
export function toObjectEtag(
  { id, settingsVersion }: { readonly id: number; readonly settingsVersion: number },
  { key, etag }: { readonly key: string; readonly etag?: string | undefined },
): string | undefined {
  if (etag === undefined) return undefined;
  const text = JSON.stringify([id, settingsVersion, key, etag]);
  return `"${hash("sha256", text, "base64url")}"`;
}

/**
 * Whether a `Range` counts beside an `If-Range` (RFC 9110 §13.1.5): with none, or with the strong tag of what would be sent. A date or
 * a weak tag is no proof of the same bytes, so the whole object is sent.
 */
export function mayUseRange(ifRange: string | undefined, etag: string | undefined): boolean {
  return ifRange === undefined || ifRange.trim() === etag;
}

/** A well-formed single range that begins at or behind the end: it is answered with 416. Everything else means the whole object. */
export function isRangeBehindEnd(header: string | undefined, size: number): boolean {
  const match = RANGE.exec(header?.trim() ?? "");
  if (match === null) return false;
  const [, first = "", last = ""] = match;
  if (first === "") return last !== "" && (Number(last) === 0 || size === 0);
  return !isReversed(first, last) && Number(first) >= size;
}

/**
 * What to ask the store for without having looked at the object: a range that begins at a place, cut to `maxBytes`, or `whole`.
 * Undefined where the size must be known first.
 */
export function toAskedRange(
  header: string | undefined,
  maxBytes: number,
): BodyRange | "whole" | undefined {
  const match = RANGE.exec(header?.trim() ?? "");
  if (match === null) return "whole";
  const [, first = "", last = ""] = match;
  if (first === "") return last === "" ? "whole" : undefined;
  if (isReversed(first, last)) return "whole";
  const length = last === "" ? maxBytes : Math.min(Number(last) - Number(first) + 1, maxBytes);
  return { offset: Number(first), length };
}

const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/;

function isReversed(first: string, last: string): boolean {
  return last !== "" && Number(last) < Number(first);
}
