import type { Clock } from "@bucketbridge/core";
import type { BreakerStore, PushFailure, TargetRef, TargetSnapshot } from "./ports.ts";

/** Another worker's mistake about a target is put right this soon while pushes go through. */
const TELL_EVERY_MS = 250;

/**
 * The breaker as one turn of pushes uses it: a success after a success is told now and then only, since each is a transaction
 * that mostly writes nothing. The first one of a turn, of a place, of a probe and after an outage is told at once.
 */
export class SparingBreaker implements BreakerStore {
  readonly #breaker: BreakerStore;
  readonly #clock: Clock;
  #told: { readonly locationVersion: number; readonly untilMs: number } | undefined;

  constructor(breaker: BreakerStore, clock: Clock) {
    this.#breaker = breaker;
    this.#clock = clock;
  }

  async admit(target: TargetRef): ReturnType<BreakerStore["admit"]> {
    const admitted = await this.#breaker.admit(target);
    if (admitted.state !== "closed") this.#told = undefined;
    return admitted;
  }

  async onSuccess(target: TargetSnapshot): Promise<void> {
    const { locationVersion } = target;
    const nowMs = this.#clock.now();
    if (this.#told?.locationVersion === locationVersion && nowMs < this.#told.untilMs) return;
    await this.#breaker.onSuccess(target);
    this.#told = { locationVersion, untilMs: nowMs + TELL_EVERY_MS };
  }

  async onOutage(target: TargetSnapshot, failure: PushFailure): Promise<void> {
    this.#told = undefined;
    await this.#breaker.onOutage(target, failure);
  }
}
