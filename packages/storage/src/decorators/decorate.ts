import type { StorageDriver } from "../driver.ts";
import { withPause, type PausePolicy } from "./host-pauses.ts";
import { withLimit } from "./limit.ts";
import { withObserver, type CallObserver } from "./observe.ts";
import { withRetry, type RetryPolicy } from "./retry.ts";
import { withTimeout, type TimeoutPolicy } from "./timeout.ts";

/** How patient and how greedy a driver is. Whatever is left out has the default of {@link DRIVER_DEFAULTS}. */
export interface DecorateOptions extends Partial<RetryPolicy>, Partial<TimeoutPolicy> {
  /** Calls at a time, open bodies included. */
  readonly concurrency?: number;
  readonly observer?: CallObserver;
  /** Where the process keeps the pauses that hosts ask for, and which host this is. Absent: this driver's retries alone wait. */
  readonly hostPause?: Pick<PausePolicy, "pauses" | "host">;
}

/** Figures for a store somewhere on the internet. */
export const DRIVER_DEFAULTS = {
  /** Four tries with waits of up to 0.2, 0.4 and 0.8 s; longer outages are the business of the run, which backs off. */
  attempts: 4,
  baseMs: 200,
  capMs: 5_000,
  /** Longer than this a slot must not be blocked: the object or the run is put off instead. */
  maxWaitMs: 10_000,
  /** A page of 1,000 keys takes less than 1 s from any store; the slowest that was seen alive answered within 20 s. */
  timeoutMs: 30_000,
  /** As the socket timeout that the vendors recommend. */
  idleMs: 60_000,
  /** Half of the 64 sockets that an agent opens per host. */
  concurrency: 32,
} as const;

/**
 * A driver as the processes use it. From the outside in: retry, so that each attempt has a place and a deadline of its
 * own; limit, so that waiting for a place is neither observed nor timed; pause, since a host may ask for one while calls wait for
 * their place; observer, so that deadlines are seen; timeout.
 */
export function decorate(driver: StorageDriver, options: DecorateOptions = {}): StorageDriver {
  const policy = { ...DRIVER_DEFAULTS, ...options };
  const timed = withTimeout(driver, policy);
  const observed = options.observer === undefined ? timed : withObserver(timed, options.observer);
  const patient =
    options.hostPause === undefined
      ? observed
      : withPause(observed, { ...policy, ...options.hostPause });
  return withRetry(withLimit(patient, policy.concurrency), policy);
}
