import { AppError, MAX_RETRY_AFTER_MS, systemClock, type Clock } from "@bucketbridge/core";
import type { StorageDriver } from "../driver.ts";
import { classifyFailure } from "../failure.ts";
import { interceptDriver, type DriverCall } from "./intercept.ts";

/**
 * Hosts that asked for a pause, and until when. One per process: what one job is told holds for all jobs that speak to the
 * host. A pause never gets shorter by a later answer and is `MAX_RETRY_AFTER_MS` long at most.
 */
export class HostPauses {
  readonly #clock: Clock;
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Milliseconds until the host may be asked again; 0: now. */
  remainingMs(host: string): number {
    return Math.max(0, (this.#untilMs.get(host) ?? 0) - this.#clock.now());
  }

  /** Notes what a host asked for. */
  begin(host: string, ms: number): void {
    const now = this.#clock.now();
    const until = now + Math.min(ms, MAX_RETRY_AFTER_MS);
    for (const [name, over] of this.#untilMs) if (over <= now) this.#untilMs.delete(name);
    if (until > (this.#untilMs.get(host) ?? 0)) this.#untilMs.set(host, until);
  }

  /** Resolves when the pause of the host is over as it is now; it may grow meanwhile. Rejects with the signal's reason. */
  async wait(host: string, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(this.remainingMs(host), signal);
  }
}

/** Which host a driver speaks to, and how patient its callers are. */
export interface PausePolicy {
  readonly pauses: HostPauses;
  /** Drivers with the same text pause together. */
  readonly host: string;
  /** A call waits no longer than this, all pauses together: it fails as `rate_limited` with what is left, and nothing is sent. */
  readonly maxWaitMs: number;
  /** False: writes and deletions are not kept waiting at all, since the caller has times of its own for them. */
  readonly repeatWrites?: boolean;
}

/**
 * Keeps the peace with a store that is asked too much: an answer `rate_limited` or `unavailable` with a delay pauses every
 * call to its host, of this driver and of all others of the process. Calls that are on their way already are not stopped.
 */
export function withPause(inner: StorageDriver, policy: PausePolicy): StorageDriver {
  const { pauses, host } = policy;
  return interceptDriver(inner, {
    call: async (call, action) => {
      // A signature is computed here, without the store.
      if (call.method !== "presignRead") await waitForTurn(call, policy);
      try {
        return await action(call.ctx);
      } catch (error) {
        const known = classifyFailure(inner, error, call.ctx.signal);
        const isThrottled = known?.code === "rate_limited" || known?.code === "unavailable";
        if (isThrottled && known.retryAfterMs !== undefined) pauses.begin(host, known.retryAfterMs);
        throw error;
      }
    },
  });
}

async function waitForTurn({ method, ctx }: DriverCall, policy: PausePolicy): Promise<void> {
  const { pauses, host, maxWaitMs, repeatWrites = true } = policy;
  const isRead = method === "listPage" || method === "stat" || method === "read";
  let patienceMs = isRead || repeatWrites ? maxWaitMs : 0;
  for (let ms = pauses.remainingMs(host); ms > 0; ms = pauses.remainingMs(host)) {
    if (ms > patienceMs) throw pausedFor(ms);
    patienceMs -= ms;
    await pauses.wait(host, ctx.signal);
  }
}

function pausedFor(retryAfterMs: number): AppError {
  return new AppError({
    code: "rate_limited",
    message: "the store asked for a pause, which is not over yet",
    retryAfterMs,
  });
}
