import type { ErrorCode } from "@bucketbridge/core";

/** What every driver call receives. The signal joins the caller's cancel and the deadline of the call. */
export interface OpContext {
  readonly signal: AbortSignal;
}

/** One object as a store describes it. */
export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  /** Without quotes. Absent where the store has none (`traits.etag` is `none`). */
  readonly etag?: string | undefined;
  /** Version id or generation, where the bucket keeps versions. */
  readonly version?: string | undefined;
  readonly modifiedAt?: Date | undefined;
  readonly contentType?: string | undefined;
}

/** Which page of which listing. */
export interface ListRequest {
  /** Plain string prefix, "" for everything. `ObjectStore` has already joined the root. */
  readonly prefix: string;
  /** False returns direct children of `prefix` only, which then is "" or ends with "/". */
  readonly recursive: boolean;
  /** Return only keys strictly greater than this (UTF-8 bytes). Passed only when `traits.listAfter`. */
  readonly after?: string | undefined;
  /** Opaque token of the previous page of the same listing; no other field may differ. */
  readonly cursor?: string | undefined;
  /** At most this many keys; a store may return fewer. */
  readonly limit: number;
}

/** Something a listing met that cannot become a key. It is reported with the page instead of being lost silently. */
export interface UnreadableEntry {
  /** For people, storable text: bytes that are not UTF-8 are shown as `\xff`. */
  readonly name: string;
  /** `key_not_utf8`: a name of other bytes. `folder_unreadable`: nothing below it was listed. */
  readonly code: "key_not_utf8" | "folder_unreadable";
  /** A sentence as in error messages: what is wrong and what to do. */
  readonly reason: string;
}

/**
 * One answer of a listing, as columns of equal length. Folder markers (keys that end in "/") are left in; whoever
 * filters drops them. Keys are ascending by UTF-8 bytes when `traits.order` is `key`.
 */
export interface ListPage {
  readonly keys: readonly string[];
  readonly sizes: readonly number[];
  /** "" where the store gave none. */
  readonly etags: readonly string[];
  /** Milliseconds since the epoch, 0 where the store gave none. */
  readonly modified: readonly number[];
  /** Absent on the last page. A page may be empty and still carry a cursor. */
  readonly cursor?: string | undefined;
  /** Entries without a key, in no particular order; they count towards `limit`. */
  readonly unreadable?: readonly UnreadableEntry[] | undefined;
}

/** Bytes from `offset`, `length` of them or to the end. `offset` is never negative. */
export interface ByteRange {
  readonly offset: number;
  readonly length?: number | undefined;
}

/** What to read. */
export interface ReadRequest {
  readonly key: string;
  /** Passed only when `traits.rangeRead`. */
  readonly range?: ByteRange | undefined;
  /** Only this content: another etag at the store is `precondition_failed`. Passed only when `traits.etag` is not `none`. */
  readonly ifEtag?: string | undefined;
}

/** An object that is being read. Whoever stops early returns the iterator, which ends the request. */
export interface ReadResult {
  /** `size` is that of the whole object, also for a range. */
  readonly info: ObjectInfo;
  readonly body: AsyncIterable<Uint8Array>;
}

/** `absent` fails as `already_exists`, `etag` as `precondition_failed`. */
export type PutCondition =
  { readonly kind: "absent" } | { readonly kind: "etag"; readonly etag: string };

/** What to write. Overwrites unless a condition says otherwise. */
export interface PutRequest {
  readonly key: string;
  readonly body: Uint8Array;
  readonly contentType?: string | undefined;
  /** Passed only when its kind stands in `traits.putConditions`. Never retried. */
  readonly condition?: PutCondition | undefined;
}

/** How a signed URL shall look. */
export interface PresignOptions {
  readonly method: "GET" | "HEAD";
  readonly ttlSeconds: number;
  readonly contentType?: string | undefined;
  readonly disposition?: string | undefined;
  /** The signing time is rounded down to a multiple of this, so that the URL stays the same within it. */
  readonly windowSeconds?: number | undefined;
}

/** Behaviours with no method of their own. The conformance suite tests each one in both directions. */
export interface DriverTraits {
  /** `key`: pages ascend by UTF-8 bytes. */
  readonly order: "key" | "none";
  readonly listAfter: boolean;
  readonly rangeRead: boolean;
  readonly putConditions: readonly PutCondition["kind"][];
  /** `content`: equal bytes, equal etag. `version`: changes with each write. */
  readonly etag: "content" | "version" | "none";
  /**
   * `any`: every text without U+0000. `path`: relative file paths; empty, `.` and `..` segments and a slash at either end
   * are `invalid_input`, never another key.
   */
  readonly keyForm: "any" | "path";
  readonly maxKeyBytes: number;
  /** Largest useful `limit` of a listing. */
  readonly pageSize: number;
}

/** What an error of a store means to us. */
export interface ErrorClass {
  readonly code: ErrorCode;
  /** Closed, dotted, `<provider>.<word>`, where the remedy differs within one code. */
  readonly reason?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** What the store said, safe to show: no keys, no signed URLs. */
  readonly detail?: string | undefined;
  /** What the person who configured the storage should do. */
  readonly hint?: string | undefined;
}

/**
 * The seam that a storage provider implements. Application code uses `ObjectStore`, never this.
 *
 * Drivers throw the SDK's own error and explain it in `classifyError`; `ObjectStore` does the wrapping. An optional
 * method that is absent means that the provider cannot do it. No method is called after `close`.
 */
export interface StorageDriver {
  readonly traits: DriverTraits;

  listPage(request: ListRequest, ctx: OpContext): Promise<ListPage>;
  /** A missing key is an error that `classifyError` calls `not_found`. */
  stat(key: string, ctx: OpContext): Promise<ObjectInfo>;
  /** Rejects before the first chunk when the key is missing. */
  read(request: ReadRequest, ctx: OpContext): Promise<ReadResult>;
  /** The permission to write alone must do. The result's `etag` is that of the written object where the store tells it. */
  put?(request: PutRequest, ctx: OpContext): Promise<ObjectInfo>;
  /** Gone already is success. */
  delete?(key: string, ctx: OpContext): Promise<void>;
  presignRead?(key: string, options: PresignOptions, ctx: OpContext): Promise<URL>;
  /** Undefined for errors that the driver does not know; they become `internal`. */
  classifyError(error: unknown): ErrorClass | undefined;
  /** Frees sockets and timers. Idempotent. */
  close(): Promise<void>;
}
