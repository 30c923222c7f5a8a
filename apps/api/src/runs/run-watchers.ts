import { isFinalState } from "@bucketbridge/contracts";
import type { Clock, Logger } from "@bucketbridge/core";
import type { RunRecord, RunRepository } from "@bucketbridge/db";

/** A run as it was at one moment. */
export interface RunSample {
  readonly run: RunRecord;
  /** Milliseconds of the clock, for rates. */
  readonly atMs: number;
}

/** Which run. */
export interface RunKey {
  readonly organizationId: number;
  readonly runId: number;
}

interface WatcherDeps {
  readonly runs: Pick<RunRepository, "find">;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
}

/** The first looks come fast, since small runs end within a second; later ones are for people who watch a bar. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Looks at runs for everybody who waits for them. However many watch one run, the database is asked once per pause; nobody
 * watching means nobody asking.
 */
export class RunWatchers {
  readonly #deps: WatcherDeps;
  readonly #pollers = new Map<number, Poller>();

  constructor(deps: WatcherDeps) {
    this.#deps = deps;
  }

  /** Number of runs that are being looked at. */
  get size(): number {
    return this.#pollers.size;
  }

  /**
   * Samples of a run from now on, the present one first and a final one last; each is newer than the one before. Ends
   * without one when the run is gone, and when the signal is aborted. A slow reader misses samples, never the last.
   */
  async *watch(key: RunKey, signal: AbortSignal): AsyncGenerator<RunSample, void, undefined> {
    const poller = this.#join(key);
    const leave = poller.join();
    try {
      let seen: RunSample | undefined;
      for (;;) {
        const next = await poller.after(seen, signal);
        if (next === undefined) return;
        yield next;
        seen = next;
        if (isFinalState(next.run.state)) return;
      }
    } finally {
      leave();
    }
  }

  #join(key: RunKey): Poller {
    const known = this.#pollers.get(key.runId);
    if (known !== undefined) return known;
    const poller = new Poller(key, this.#deps, () => {
      if (this.#pollers.get(key.runId) === poller) this.#pollers.delete(key.runId);
    });
    this.#pollers.set(key.runId, poller);
    return poller;
  }
}

/** Looks at one run while somebody listens. `undefined` as the latest sample after the first look: the run is gone. */
class Poller {
  readonly #key: RunKey;
  readonly #deps: WatcherDeps;
  readonly #onEmpty: () => void;
  readonly #stop = new AbortController();
  #listeners = 0;
  #latest: RunSample | undefined;
  #isOver = false;
  #changed = Promise.withResolvers<undefined>();

  constructor(key: RunKey, deps: WatcherDeps, onEmpty: () => void) {
    this.#key = key;
    this.#deps = deps;
    this.#onEmpty = onEmpty;
  }

  /** Starts with the first listener and stops with the last; returns how to leave. */
  join(): () => void {
    this.#listeners++;
    if (this.#listeners === 1) void this.#run();
    return () => {
      this.#listeners--;
      if (this.#listeners > 0) return;
      this.#stop.abort();
      this.#onEmpty();
    };
  }

  /** The first sample that is not `seen`; undefined when there will be none or the signal is aborted. */
  async after(seen: RunSample | undefined, signal: AbortSignal): Promise<RunSample | undefined> {
    const aborted = Promise.withResolvers<undefined>();
    const onAbort = (): void => {
      aborted.resolve(undefined);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal.aborted) {
        if (this.#latest !== seen) return this.#latest;
        if (this.#isOver) return undefined;
        await Promise.race([this.#changed.promise, aborted.promise]);
      }
      return undefined;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#deps;
    let pauseMs = FIRST_PAUSE_MS;
    try {
      while (await this.#look()) {
        await clock.sleep(pauseMs, this.#stop.signal);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    } catch (error) {
      // Whoever watches sees the end of the samples and may come again; the request itself has its own answer.
      if (!this.#stop.signal.aborted)
        log.warn({ runId: this.#key.runId, err: error }, "run.watch.failed");
    } finally {
      this.#isOver = true;
      this.#changed.resolve(undefined);
      this.#onEmpty();
    }
  }

  /** True when another look makes sense. */
  async #look(): Promise<boolean> {
    const { organizationId, runId } = this.#key;
    const run = await this.#deps.runs.find(organizationId, runId);
    if (run === undefined || this.#stop.signal.aborted) return false;
    this.#latest = { run, atMs: this.#deps.clock.now() };
    this.#changed.resolve(undefined);
    this.#changed = Promise.withResolvers<undefined>();
    return !isFinalState(run.state);
  }
}
