import type { JobPolicy } from "@bucketbridge/contracts";
import { isAppError, redactText } from "@bucketbridge/core";

/** Name of our backoff among BullMQ's strategies; its own exponential one knows no upper bound. */
export const CAPPED_BACKOFF = "capped";

/** Wait after "slow down" without a time of its own. */
const DEFAULT_DELAY_MS = 30_000;

/** A delayed job silences the rings of its run, so it comes back soon whatever a store asks for. */
const MAX_DELAY_MS = 60_000;

/**
 * What the queue does with a job whose handler threw. `fail`: it ends as failed with `text`. `retry`: a counted attempt
 * with backoff. `delay`: again after `delayMs`, not counted.
 */
export type RetryDecision =
  | { readonly kind: "fail"; readonly text: string }
  | { readonly kind: "retry"; readonly text: string }
  | { readonly kind: "delay"; readonly delayMs: number };

/**
 * The one place where our retry advice becomes the queue's words. `isStopping`: the process shuts down, so a canceled
 * job is work for another worker, at once. Texts hold a code and a message that is safe to show; an error that is not
 * an `AppError` says nothing here, since nobody vouches for its message.
 */
export function decideRetry(error: unknown, isStopping: boolean): RetryDecision {
  if (!isAppError(error)) {
    return { kind: "retry", text: "internal: unexpected failure, see the log of the worker" };
  }
  if (error.code === "canceled" && isStopping) return { kind: "delay", delayMs: 0 };
  const code = error.reason === undefined ? error.code : `${error.code} (${error.reason})`;
  const text = `${code}: ${redactText(error.message)}`;
  switch (error.retry) {
    case "never":
      return { kind: "fail", text };
    case "backoff":
      return { kind: "retry", text };
    case "after_delay": {
      const delayMs = Math.min(error.retryAfterMs ?? DEFAULT_DELAY_MS, MAX_DELAY_MS);
      return { kind: "delay", delayMs };
    }
  }
}

/** Milliseconds before attempt `attemptsMade + 1`. */
export function backoffOf(policy: JobPolicy, attemptsMade: number, random = Math.random): number {
  const { delayMs, capMs, jitter } = policy.backoff;
  const fullMs = Math.min(capMs, delayMs * 2 ** (attemptsMade - 1));
  return Math.round(fullMs * (1 - jitter * random()));
}
