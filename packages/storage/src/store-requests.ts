import { AppError, utf8Length } from "@bucketbridge/core";
import type { ByteRange, DriverTraits, ListRequest, ReadRequest } from "./driver.ts";

/** Which objects, and where to start. */
export interface PagesOptions {
  /** Plain string prefix below the root. With `recursive: false` it is "" or ends with "/". */
  readonly prefix?: string | undefined;
  /** Default true. False: direct children of `prefix` only. */
  readonly recursive?: boolean | undefined;
  /** Only keys strictly greater than this by UTF-8 bytes. Works with every driver; cheap where `traits.listAfter`. */
  readonly after?: string | undefined;
  /** Goes on with the page behind this token of an earlier listing of the same prefix. */
  readonly cursor?: string | undefined;
  /** Keys per page at most. */
  readonly limit?: number | undefined;
}

/** Which part of which content of an object. */
export interface ReadOptions {
  /** A start at or behind the end is `invalid_input`; an end behind it is cut. `unsupported` without `traits.rangeRead`. */
  readonly range?: ByteRange | undefined;
  /** Another content at the store is `precondition_failed`. `unsupported` where `traits.etag` is `none`. */
  readonly ifEtag?: string | undefined;
}

/** What a store adds to the requests of its callers. */
export interface StoreShape {
  readonly traits: DriverTraits;
  /** "" or a folder with its slash. */
  readonly root: string;
  readonly pageSize: number;
}

/** The driver's request of a page. Rejects a prefix that no listing can have, as `invalid_input`. */
export function toListRequest(
  { traits, root, pageSize }: StoreShape,
  { prefix = "", recursive = true, after, limit = pageSize }: PagesOptions,
  cursor: string | undefined,
): ListRequest {
  assertText(prefix, "a prefix");
  if (!recursive && prefix !== "" && !prefix.endsWith("/")) {
    throw invalidInput('a prefix that is listed without its folders must end in "/"');
  }
  return {
    prefix: root + prefix,
    recursive,
    limit: Math.max(1, Math.min(limit, traits.pageSize)),
    ...(cursor === undefined ? {} : { cursor }),
    ...(after === undefined || !traits.listAfter ? {} : { after: root + after }),
  };
}

/** The driver's request of a body. What the driver cannot do is `unsupported`, never left out. */
export function toReadRequest(
  shape: StoreShape,
  key: string,
  { range, ifEtag }: ReadOptions,
): ReadRequest {
  const { rangeRead, etag } = shape.traits;
  if (range !== undefined && !rangeRead) throw unsupported("reading of a part");
  if (ifEtag !== undefined && etag === "none") throw unsupported("reading of one version");
  if (range !== undefined && !isRange(range)) throw invalidInput("the range to read is not one");
  // Everything from 0 is no range: an empty object has none that a store could answer.
  const isPart = range !== undefined && (range.offset > 0 || range.length !== undefined);
  return {
    key: toAbsoluteKey(shape, key),
    ...(isPart ? { range } : {}),
    ...(ifEtag === undefined ? {} : { ifEtag }),
  };
}

/** The key below the root, if it is one that the driver can take: not empty, storable text, not too long. */
export function toAbsoluteKey({ traits, root }: StoreShape, key: string): string {
  const absolute = root + key;
  if (key === "") throw invalidInput("a key must not be empty");
  assertText(key, "a key");
  const bytes = utf8Length(absolute);
  if (bytes <= traits.maxKeyBytes) return absolute;
  throw invalidInput(
    `the key has ${String(bytes)} bytes, at most ${String(traits.maxKeyBytes)} are taken`,
  );
}

/** A call that can never work with this provider. */
export function unsupported(what: string): AppError {
  return new AppError({
    code: "unsupported",
    message: `${what} is not possible with this provider`,
  });
}

/** A call that no store could answer. */
export function invalidInput(message: string): AppError {
  return new AppError({ code: "invalid_input", message });
}

function assertText(text: string, what: string): void {
  if (!text.includes("\u0000") && text.isWellFormed()) return;
  throw invalidInput(`${what} must not hold U+0000 or half of a surrogate pair`);
}

function isRange({ offset, length }: ByteRange): boolean {
  return (
    Number.isSafeInteger(offset) &&
    offset >= 0 &&
    (length === undefined || (Number.isSafeInteger(length) && length > 0))
  );
}
