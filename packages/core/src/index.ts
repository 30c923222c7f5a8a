export { throwIfCanceled, untilAborted } from "./abort.ts";
export { backoffMs, type BackoffPolicy } from "./backoff.ts";
export { systemClock, type Clock } from "./clock.ts";
export {
  AppError,
  assertNever,
  ERROR_CODES,
  HTTP_STATUS_BY_CODE,
  isAppError,
  LOG_LEVEL_BY_CODE,
  OUTAGE_CODES,
  RETRY_BY_CODE,
  type AppErrorInit,
  type ErrorCode,
  type RetryAdvice,
  type SafeContext,
} from "./errors.ts";
export { toSafeId } from "./ids.ts";
export { compareKeys, isSortedKeys, utf8Length } from "./keys.ts";
export * from "./limits.ts";
export { silentLogger, type LogFields, type Logger } from "./logger.ts";
export { isSecretField, redact, redactText } from "./redaction.ts";
export { Secret } from "./secret.ts";
