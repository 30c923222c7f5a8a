import { backoffMs, type AppError } from "@bucketbridge/core";
import type { PushFailure } from "./ports.ts";

/** Quick at first, then slow: a quota or a policy is mended by a person. */
const BACKOFF = { baseMs: 2_000, capMs: 600_000 };

/** Doubling further would only overflow: the cap is reached long before. */
const MAX_DOUBLED_ATTEMPTS = 20;

/** What a delivery keeps of a push that the store refused. The store's Retry-After wins over our own backoff. */
export function toPushFailure(error: AppError, attempts: number): PushFailure {
  const waitMs = error.retryAfterMs ?? backoffMs(BACKOFF, Math.min(attempts, MAX_DOUBLED_ATTEMPTS));
  return { code: error.code, message: error.message, retryAfterSeconds: waitMs / 1_000 };
}

/** What a delivery keeps of a push without an answer: the newest goes out at once the first time, or after our own shutdown. */
export function toUnknownFate(error: AppError, attempts: number): PushFailure {
  const failure = toPushFailure(error, attempts);
  const isAtOnce = error.retryAfterMs === undefined && (attempts <= 1 || error.code === "canceled");
  return isAtOnce ? { ...failure, retryAfterSeconds: 0 } : failure;
}

/** What the breaker gets to know: it waits by its own steps, at least as long as the store asks for. */
export function toOutage(error: AppError): PushFailure {
  const retryAfterSeconds = (error.retryAfterMs ?? 0) / 1_000;
  return { code: error.code, message: error.message, retryAfterSeconds };
}
