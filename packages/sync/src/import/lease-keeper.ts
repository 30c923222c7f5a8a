import { HANG_SECONDS, LEASE_SECONDS, type Clock, type Logger } from "@bucketbridge/core";

/** What a renewal found: still ours, lost, or ours but somebody asked the run to stop. */
export type RenewalResult = "held" | "lost" | "cancel";

/** Everything a keeper needs. `renew` must be safe to call while other statements of the lease are in flight. */
export interface LeaseKeeperOptions {
  readonly renew: () => Promise<RenewalResult>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly leaseSeconds?: number;
}

/**
 * Renews a lease every third of its time until it is stopped. It gives up by itself when no checkpoint was reported
 * for `HANG_SECONDS`, so that a hung worker loses its lease like a dead one. `signal` is aborted with the reason
 * "lost" or "cancel"; a renewal that fails is tried again and counts as lost once the lease must have expired.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #controller = new AbortController();
  readonly #stop = new AbortController();
  readonly #leaseMs: number;
  #checkpointAt: number;
  #renewedAt: number;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#leaseMs = (options.leaseSeconds ?? LEASE_SECONDS) * 1_000;
    this.#checkpointAt = options.clock.now();
    this.#renewedAt = this.#checkpointAt;
    void this.#run();
  }

  /** Aborted with the reason "lost" or "cancel". */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Tells that work was committed; a commit also renews the lease in the database. */
  checkpoint(): void {
    this.#checkpointAt = this.#options.clock.now();
    this.#renewedAt = this.#checkpointAt;
  }

  /** Ends the renewals; the lease itself is released by the caller. Idempotent. */
  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    for (;;) {
      try {
        await clock.sleep(this.#leaseMs / 3, this.#stop.signal);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        throw error;
      }
      if (clock.now() - this.#checkpointAt > HANG_SECONDS * 1_000) {
        log.error({ hangSeconds: HANG_SECONDS }, "lease.hung");
        this.#controller.abort("lost");
        return;
      }
      if (!(await this.#renewOnce())) return;
    }
  }

  /** False ends the keeper. */
  async #renewOnce(): Promise<boolean> {
    const { clock, log, renew } = this.#options;
    try {
      const result = await renew();
      if (this.#stop.signal.aborted) return false;
      if (result === "held") {
        this.#renewedAt = clock.now();
        return true;
      }
      this.#controller.abort(result);
      return false;
    } catch (error) {
      log.warn({ error }, "lease.renew.failed");
      if (clock.now() - this.#renewedAt < this.#leaseMs) return true;
      this.#controller.abort("lost");
      return false;
    }
  }
}
