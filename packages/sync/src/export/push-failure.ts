import { backoffMs, type AppError } from "@bucketbridge/core";
import type { PushFailure } from "./ports.ts";

/** Quick at first, then slow: a quota or a policy is mended by a person. */
const BACKOFF = { baseMs: 2_000, capMs: 600_000 };

/** What a delivery keeps of a failed push. The store's Retry-After wins over our own backoff. */
export function toPushFailure(error: AppError, attempts: number): PushFailure {
  const waitMs = error.retryAfterMs ?? backoffMs(BACKOFF, Math.min(attempts, 20));
  return { code: error.code, message: error.message, retryAfterSeconds: waitMs / 1_000 };
}
