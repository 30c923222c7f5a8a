import type { Clock } from "@bucketbridge/core";
import { ApiError } from "../api-error.ts";

/** Failures of one caller within a window; then he waits for the next one. */
const MAX_FAILURES = 10;
const WINDOW_MS = 60_000;
/** Callers that are remembered; the oldest is forgotten first. */
const MAX_CALLERS = 10_000;

/** Counts failed attempts per caller: a network address, or the account that is tried. */
export class FailureLimiter {
  readonly #clock: Clock;
  readonly #windows = new Map<string, { failures: number; endsAtMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Seconds to wait, or undefined when the caller may try. */
  secondsToWait(caller: string): number | undefined {
    const window = this.#windows.get(caller);
    const leftMs = (window?.endsAtMs ?? 0) - this.#clock.now();
    if (window === undefined || window.failures < MAX_FAILURES || leftMs <= 0) return undefined;
    return Math.ceil(leftMs / 1_000);
  }

  recordFailure(caller: string): void {
    const nowMs = this.#clock.now();
    const known = this.#windows.get(caller);
    const window =
      known !== undefined && known.endsAtMs > nowMs
        ? known
        : { failures: 0, endsAtMs: nowMs + WINDOW_MS };
    window.failures++;
    this.#windows.delete(caller);
    this.#windows.set(caller, window);
    const [oldest] = this.#windows.keys();
    if (this.#windows.size > MAX_CALLERS && oldest !== undefined) this.#windows.delete(oldest);
  }

  /** Throws 429 with the seconds to wait. */
  assertMayTry(...callers: readonly string[]): void {
    for (const caller of callers) {
      const seconds = this.secondsToWait(caller);
      if (seconds !== undefined) throw tooManyFailures(seconds);
    }
  }
}

function tooManyFailures(seconds: number): ApiError {
  return new ApiError({
    status: 429,
    code: "rate_limited",
    detail: "Too many failed attempts. Try again later.",
    headers: { "retry-after": String(seconds) },
  });
}
