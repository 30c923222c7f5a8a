import { setTimeout as pause } from "node:timers/promises";
import type { S3Fake } from "@bucketbridge/testkit";

type Fault = Parameters<S3Fake["inject"]>[0];
type Injected = ReturnType<S3Fake["inject"]>;

/** What a busy store answers. A pause of 1 s is the shortest that the header can say. */
const THROTTLES: readonly Fault[] = [
  { on: ["put", "delete"], kind: "error", status: 503, code: "SlowDown" },
  {
    on: ["put", "delete"],
    kind: "error",
    status: 429,
    code: "TooManyRequests",
    headers: { "retry-after": "1" },
  },
  {
    on: ["put", "delete"],
    kind: "error",
    status: 503,
    code: "SlowDown",
    headers: { "retry-after": "1" },
  },
];

/** Writes that nobody hears of again: not done, done, done later. */
const AMBIGUOUS: readonly Fault[] = [
  { on: ["put", "delete"], kind: "reset" },
  { on: ["put", "delete"], kind: "applied_reset" },
  { on: "put", kind: "late_apply" },
];

const CALM_MS = { least: 100, most: 800 };
const GUST_MS = 100;
const AMBIGUOUS_SHARE = 0.5;
const MOST_AT_ONCE = 6;
/** A write that comes late does so sooner than puts of unknown fate settle. */
const LATE_MS = 2_000;

/** Throttling and lost answers of a store, at random until it is stopped. */
export class StoreWeather {
  readonly #s3: S3Fake;
  readonly #late: Injected[] = [];
  readonly #injected: { readonly fault: Fault; readonly injected: Injected }[] = [];
  #isOver = false;
  readonly #running: Promise<unknown>;

  constructor(s3: S3Fake) {
    this.#s3 = s3;
    this.#running = Promise.all([this.#blow(), this.#deliverLate()]);
  }

  /** How many requests each kind of fault has hit: "error 503". */
  get hits(): Readonly<Record<string, number>> {
    const hits: Record<string, number> = {};
    for (const { fault, injected } of this.#injected) {
      const name = fault.kind === "error" ? `error ${String(fault.status)}` : fault.kind;
      hits[name] = (hits[name] ?? 0) + injected.hits;
    }
    return hits;
  }

  /** Fair weather from now on; late writes have come. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    for (const late of this.#late) late.release();
  }

  async #blow(): Promise<void> {
    while (!this.#isOver) {
      await pause(CALM_MS.least + Math.random() * (CALM_MS.most - CALM_MS.least));
      const kinds = Math.random() < AMBIGUOUS_SHARE ? AMBIGUOUS : THROTTLES;
      const fault = kinds[Math.floor(Math.random() * kinds.length)];
      if (fault === undefined) continue;
      const times = 1 + Math.floor(Math.random() * MOST_AT_ONCE);
      const injected = this.#s3.inject({ ...fault, times });
      this.#injected.push({ fault, injected });
      if (fault.kind === "late_apply") this.#late.push(injected);
      // What hit nobody passes: kept for the probes of an open breaker it would become an outage.
      await pause(GUST_MS);
      injected.remove();
    }
  }

  async #deliverLate(): Promise<void> {
    while (!this.#isOver) {
      await pause(LATE_MS);
      for (const late of this.#late) late.release();
    }
  }
}
