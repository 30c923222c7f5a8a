import type { Clock } from "@bucketbridge/core";

/** How often somebody may ask. */
export interface Rate {
  /** 0: as often as they like. */
  readonly perSecond: number;
  /** At once, after a pause. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Callers that are remembered, about 100 bytes each; whoever asked the longest ago is forgotten first. */
const MAX_CALLERS = 20_000;

/** A bucket of tokens per caller, filled at a steady rate. */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Takes a token; without one: the seconds until there is one. */
  take(caller: string): number | undefined {
    if (this.#rate.perSecond === 0) return undefined;
    const bucket = this.#refill(caller);
    if (bucket.tokens < 1) return (1 - bucket.tokens) / this.#rate.perSecond;
    bucket.tokens -= 1;
    return undefined;
  }

  /** How many callers are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  #refill(caller: string): Bucket {
    const nowMs = this.#clock.now();
    const { perSecond } = this.#rate;
    // A rate above the burst would otherwise never be reached.
    const burst = Math.max(this.#rate.burst, perSecond, 1);
    const known = this.#buckets.get(caller) ?? { tokens: burst, atMs: nowMs };
    // A clock that was set back gives nothing and takes nothing.
    const passedMs = Math.max(0, nowMs - known.atMs);
    known.tokens = Math.min(burst, known.tokens + (passedMs / 1_000) * perSecond);
    known.atMs = nowMs;
    this.#buckets.delete(caller);
    this.#buckets.set(caller, known);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_CALLERS && oldest !== undefined) this.#buckets.delete(oldest);
    return known;
  }
}
