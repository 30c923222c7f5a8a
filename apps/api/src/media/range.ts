import type { ByteRange } from "@bucketbridge/storage";

/** A part of a body whose bounds are known. */
export interface BodyRange extends ByteRange {
  readonly length: number;
}

/**
 * The one range of a `Range` header on a body of `size` bytes: `bytes=S-E`, `bytes=S-` or the last N by `bytes=-N`. An end
 * behind the body is cut. Undefined for everything else, several ranges, reversed and unsatisfiable ones included: the
 * caller then decides between the whole body and 416.
 */
export function parseRange(header: string | undefined, size: number): BodyRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "");
  if (match === null || size === 0) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "") return last === "" ? undefined : suffix(Number(last), size);
  const offset = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return offset > end ? undefined : { offset, length: end - offset + 1 };
}

/** `Content-Range` of a part. */
export function toContentRange({ offset, length }: BodyRange, size: number): string {
  return `bytes ${String(offset)}-${String(offset + length - 1)}/${String(size)}`;
}

function suffix(length: number, size: number): BodyRange | undefined {
  if (length === 0) return undefined;
  const offset = Math.max(0, size - length);
  return { offset, length: size - offset };
}
