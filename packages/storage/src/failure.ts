import {
  AppError,
  isAppError,
  MAX_RETRY_AFTER_MS,
  redactText,
  type ErrorCode,
} from "@bucketbridge/core";
import type { ErrorClass, StorageDriver } from "./driver.ts";

/** How deep an SDK may wrap an error of ours, like an address that the egress refused. */
const MAX_CAUSES = 6;

/**
 * What an error of a driver call means: canceled when the caller's signal is aborted, else what our own error says
 * (deadline, refused address; also as the cause of an SDK's error), else what the driver says, with a delay of at most
 * `MAX_RETRY_AFTER_MS`. Undefined: unknown.
 */
export function classifyFailure(
  driver: Pick<StorageDriver, "classifyError">,
  error: unknown,
  signal?: AbortSignal,
): ErrorClass | undefined {
  if (signal?.aborted === true) return { code: "canceled" };
  const own = findAppError(error);
  if (own === undefined) return withBoundedDelay(driver.classifyError(error));
  return {
    code: own.code,
    reason: own.reason,
    retryAfterMs: own.retryAfterMs,
    detail: own.message,
  };
}

/** A store could ask for a year, or for more than any timer can count. */
function withBoundedDelay(known: ErrorClass | undefined): ErrorClass | undefined {
  if (known?.retryAfterMs === undefined) return known;
  return { ...known, retryAfterMs: Math.min(known.retryAfterMs, MAX_RETRY_AFTER_MS) };
}

/** The `AppError` in a chain of causes, the error itself included. */
function findAppError(error: unknown): AppError | undefined {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    if (isAppError(current)) return current;
    current = current.cause;
  }
  return undefined;
}

/** What a user of a store can ask for; the last part of an error's `op`. */
export type StoreOperation = "list" | "stat" | "read" | "put" | "delete" | "presign";

/** A call on a store, as its error names it. */
export interface FailedCall {
  readonly driver: Pick<StorageDriver, "classifyError">;
  readonly provider: string;
  readonly place: string;
  readonly operation: StoreOperation;
  /** Absent: the call is about the whole place. */
  readonly key?: string;
  readonly signal: AbortSignal;
}

/**
 * The one place where an error of a driver becomes ours: code, reason and delay from its classification, a message that
 * names provider, place or key, what the store said and what to do, without anything that looks secret. An error that
 * was wrapped already (it has an `op`) passes through.
 */
export function toStoreError(call: FailedCall, error: unknown): AppError {
  if (isAppError(error) && error.op !== undefined) return error;
  const { provider, place, key, operation } = call;
  const known = classifyFailure(call.driver, error, call.signal);
  const subject =
    key === undefined ? place : `"${toShownText(key, MAX_SHOWN_KEY_CHARS)}" in ${place}`;
  const said =
    known === undefined ? describeUnknown(error) : (known.detail ?? PHRASE_BY_CODE[known.code]);
  const detail = said.replaceAll(/\s*\n\s*/g, " ");
  const hint = known?.hint === undefined ? "" : `; ${known.hint}`;
  const text = `${provider}: could not ${VERBS[operation]} ${subject}: ${toShownText(detail, MAX_SHOWN_DETAIL_CHARS)}${hint}`;
  return new AppError({
    code: known?.code ?? "internal",
    reason: known?.reason,
    message: redactText(text),
    op: `storage.${operation}`,
    context: { provider, place, ...(key === undefined ? {} : { key }) },
    cause: error,
    retryAfterMs: known?.retryAfterMs,
  });
}

const VERBS: Readonly<Record<StoreOperation, string>> = {
  list: "list",
  stat: "look up",
  read: "read",
  put: "write",
  delete: "delete",
  presign: "sign a URL for",
};

/** Longest parts of a message, so that a row of issues stays readable. */
const MAX_SHOWN_KEY_CHARS = 300;
const MAX_SHOWN_DETAIL_CHARS = 1_000;

/** What a code means where the store itself said nothing that can be shown. */
const PHRASE_BY_CODE: Readonly<Record<ErrorCode, string>> = {
  invalid_input: "the store does not take this request",
  invalid_config: "the settings of the storage cannot work",
  unauthenticated: "the store does not accept the credentials",
  permission_denied: "the store refuses access",
  not_found: "it does not exist",
  already_exists: "it exists already",
  precondition_failed: "it has changed meanwhile",
  conflict: "somebody else is writing it",
  unsupported: "the provider cannot do this",
  corrupt_data: "the answer of the store cannot be understood",
  rate_limited: "the store asks for fewer requests",
  unavailable: "the store is not available",
  timeout: "the store did not answer in time",
  canceled: "canceled",
  internal: "an unexpected error",
};

/** What must not reach a log line or a page: control characters, line separators, marks that turn the text around. */
const UNSHOWN = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g; // eslint-disable-line no-control-regex

/** A key or a store's text as part of one line: unshowable characters escaped, cut to `maxChars`. */
function toShownText(text: string, maxChars: number): string {
  const cut = text.length <= maxChars ? text : `${text.slice(0, maxChars)}…`;
  return cut
    .toWellFormed()
    .replace(UNSHOWN, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The name and code of an error that nobody knows; its message is for the log, since nobody knows what is in it. */
function describeUnknown(error: unknown): string {
  if (!(error instanceof Error)) return PHRASE_BY_CODE.internal;
  const code = "code" in error && typeof error.code === "string" ? ` ${error.code}` : "";
  return `${PHRASE_BY_CODE.internal} (${error.name}${code})`;
}
