import { inspect } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@bucketbridge/core";

/** How long to wait, and for what (the text stands in the error). */
export interface WaitOptions {
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  readonly what?: string;
}

const DEFAULT_INTERVAL_MS = 20;

/**
 * Asks again and again until `probe` gives a truthy value, and resolves with it. Throws `timeout` with the last value
 * otherwise. An error of `probe` ends the waiting at once.
 */
export async function waitFor<T>(
  probe: () => T | Promise<T>,
  { timeoutMs, intervalMs = DEFAULT_INTERVAL_MS, what = "the condition" }: WaitOptions,
): Promise<Exclude<T, false | null | undefined>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value) return value as Exclude<T, false | null | undefined>;
    if (performance.now() > deadlineMs) {
      throw new AppError({
        code: "timeout",
        message: `waited ${String(timeoutMs)} ms for ${what}; the last answer was ${inspect(value)}`,
      });
    }
    await delay(intervalMs);
  }
}
