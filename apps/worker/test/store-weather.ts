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
];

const CALM_MS = { least: 100, most: 800 };
const GUST_MS = 100;
const AMBIGUOUS_SHARE = 0.5;
const MOST_AT_ONCE = 6;
/** Writes that are held back at once, each of a key of its own. */
const MOST_HELD = 4;
const LOOK_MS = 20;

/** What the weather is made of. */
export interface WeatherDeps {
  readonly s3: S3Fake;
  /** Keys that are put again and again. */
  readonly hotKeys: () => readonly string[];
  /** The revision behind what the store says of an object. */
  readonly revisionOf: (description: string) => number;
  /** A write that comes late does so before puts of unknown fate settle. */
  readonly latestMs: number;
}

/**
 * Throttling and lost answers of a store, at random until it is stopped. Some puts come late: over a newer revision of their key
 * where there is one in time, which is what settling is for.
 */
export class StoreWeather {
  readonly #s3: S3Fake;
  readonly #deps: WeatherDeps;
  readonly #held = new Set<string>();
  readonly #injected: { readonly fault: Fault; readonly injected: Injected }[] = [];
  #isOver = false;
  readonly #running: Promise<unknown>;

  constructor(deps: WeatherDeps) {
    this.#s3 = deps.s3;
    this.#deps = deps;
    const holding = Array.from({ length: MOST_HELD }, () => this.#holdAgainAndAgain());
    this.#running = Promise.all([this.#blow(), ...holding]);
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
  }

  /**
   * After all others: some puts come late, over a newer revision that nothing follows, so that nothing but settling puts them right.
   * `save` changes the annotation of a key.
   */
  async holdLast(save: (key: string) => Promise<void>): Promise<void> {
    const keys = this.#deps.hotKeys().slice(0, MOST_HELD);
    await Promise.all(
      keys.map(async (key) => {
        const injected = this.#injectLate(key);
        await save(key);
        while (injected.hits === 0) await pause(LOOK_MS);
        const overtaken = this.#releaseOvertaken(key, injected);
        await save(key);
        await overtaken;
      }),
    );
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
      // What hit nobody passes: kept for the probes of an open breaker it would become an outage.
      await pause(GUST_MS);
      injected.remove();
    }
  }

  async #holdAgainAndAgain(): Promise<void> {
    while (!this.#isOver) {
      const free = this.#deps.hotKeys().filter((key) => !this.#held.has(key));
      const key = free[Math.floor(Math.random() * free.length)];
      if (key !== undefined) {
        this.#held.add(key);
        await this.#holdOne(key);
        this.#held.delete(key);
      }
      await pause(CALM_MS.least + Math.random() * (CALM_MS.most - CALM_MS.least));
    }
  }

  async #holdOne(key: string): Promise<void> {
    const injected = this.#injectLate(key);
    while (injected.hits === 0 && !this.#isOver) await pause(LOOK_MS);
    injected.remove();
    await this.#releaseOvertaken(key, injected);
  }

  #injectLate(key: string): Injected {
    const fault = { on: "put", kind: "late_apply", key } as const;
    const injected = this.#s3.inject({ ...fault, times: 1 });
    this.#injected.push({ fault, injected });
    return injected;
  }

  /** A held put is done when a newer revision was put after it, or when it is as late as a put can be. */
  async #releaseOvertaken(key: string, injected: Injected): Promise<void> {
    const since = this.#s3.operations.length;
    const releaseAt = performance.now() + this.#deps.latestMs;
    const isOvertaken = (): boolean => {
      const later = this.#s3.operations.slice(since).filter((each) => each.key === key);
      const revisions = later.map(({ kind, description }) =>
        kind === "delete" ? Infinity : this.#deps.revisionOf(description),
      );
      // The first one is at least as new as the held one: the next newer one is newer than both.
      return revisions.some((revision) => revision > (revisions[0] ?? Infinity));
    };
    while (performance.now() < releaseAt && !isOvertaken()) await pause(LOOK_MS);
    injected.release();
  }
}
