/** Every failure the system can name. A new code needs a row in the tables below and in docs/errors.md. */
export const ERROR_CODES = [
  "invalid_input",
  "invalid_config",
  "unauthenticated",
  "permission_denied",
  "not_found",
  "already_exists",
  "precondition_failed",
  "conflict",
  "unsupported",
  "corrupt_data",
  "rate_limited",
  "unavailable",
  "timeout",
  "canceled",
  "internal",
] as const;

/** One of {@link ERROR_CODES}. Retry, HTTP status and log level follow from it. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What a caller should do next: give up, retry with its own backoff, or wait `retryAfterMs` first. */
export type RetryAdvice = "never" | "backoff" | "after_delay";

/** Default retry advice of each code; an `AppError` may carry a more precise one. */
export const RETRY_BY_CODE: Readonly<Record<ErrorCode, RetryAdvice>> = {
  invalid_input: "never",
  invalid_config: "never",
  unauthenticated: "never",
  permission_denied: "never",
  not_found: "never",
  already_exists: "never",
  precondition_failed: "never",
  conflict: "backoff",
  unsupported: "never",
  corrupt_data: "never",
  rate_limited: "after_delay",
  unavailable: "backoff",
  timeout: "backoff",
  canceled: "never",
  internal: "backoff",
};

/** Codes of a store that answers nobody (connect, credentials, throttle): whom it was asked for is not to blame. */
export const OUTAGE_CODES: readonly ErrorCode[] = [
  "unauthenticated",
  "permission_denied",
  "not_found",
  "rate_limited",
  "unavailable",
  "timeout",
  "invalid_config",
];

/**
 * HTTP status of each code on `/api/v1`. `unauthenticated` and `permission_denied` are refusals of the remote
 * store (424); refusals of our own API come from the auth plugin as 401 and 403.
 */
export const HTTP_STATUS_BY_CODE: Readonly<Record<ErrorCode, number>> = {
  invalid_input: 400,
  invalid_config: 422,
  unauthenticated: 424,
  permission_denied: 424,
  not_found: 404,
  already_exists: 409,
  precondition_failed: 412,
  conflict: 409,
  unsupported: 422,
  corrupt_data: 422,
  rate_limited: 429,
  unavailable: 503,
  timeout: 504,
  canceled: 499,
  internal: 500,
};

/** Log level of each code. */
export const LOG_LEVEL_BY_CODE: Readonly<Record<ErrorCode, "debug" | "info" | "warn" | "error">> = {
  invalid_input: "info",
  invalid_config: "warn",
  unauthenticated: "warn",
  permission_denied: "warn",
  not_found: "info",
  already_exists: "info",
  precondition_failed: "info",
  conflict: "info",
  unsupported: "info",
  corrupt_data: "warn",
  rate_limited: "warn",
  unavailable: "warn",
  timeout: "warn",
  canceled: "debug",
  internal: "error",
};

/** Facts that may be logged and shown: never credentials, payloads or presigned URLs. */
export type SafeContext = Readonly<Record<string, string | number | boolean | undefined>>;

/** Everything an `AppError` is made of; only `code` and `message` are required. */
export interface AppErrorInit {
  readonly code: ErrorCode;
  /** Lower case, no trailing full stop: what failed, on what, and what to do. Safe to show to a user. */
  readonly message: string;
  /** Where the remedy differs within one code: dotted, a literal, so that docs/errors.md can be made from the code. */
  readonly reason?: string | undefined;
  /** Dotted operation name, e.g. `storage.list`; set by whoever wraps first, kept afterwards. */
  readonly op?: string | undefined;
  readonly context?: SafeContext | undefined;
  readonly cause?: unknown;
  readonly retry?: RetryAdvice | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** The one error class of the project. `message` is safe for users; `cause` and the stack are for the log. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly reason: string | undefined;
  readonly op: string | undefined;
  readonly context: SafeContext;
  readonly retry: RetryAdvice;
  readonly retryAfterMs: number | undefined;

  constructor(init: AppErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.reason = init.reason;
    this.op = init.op;
    this.context = init.context ?? {};
    this.retry = init.retry ?? RETRY_BY_CODE[init.code];
    this.retryAfterMs = init.retryAfterMs;
  }
}

/** Narrows to `AppError`, optionally of one code. By name, so it survives two copies of this package. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return (
    error instanceof Error &&
    error.name === "AppError" &&
    "code" in error &&
    (code === undefined || error.code === code)
  );
}

/** Ends an exhaustive `switch`: does not compile while a case is missing, throws `internal` at run time. */
export function assertNever(value: never): never {
  throw new AppError({ code: "internal", message: `unhandled case ${String(value)}` });
}
