import type { Clock, Logger } from "@bucketbridge/core";

/** What is repeated, and how a failed round is told. */
export interface BackgroundLoopOptions {
  /** Names the loop in log lines. */
  readonly name: string;
  /** Does one round; gives the milliseconds to wait before the next. */
  readonly round: () => Promise<number>;
  /** The wait after a round that failed. */
  readonly retryMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Repeats something in the background until it is stopped. A round that fails is logged, the next one comes anyway. */
export class BackgroundLoop {
  readonly #options: BackgroundLoopOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  /** Starts with the first round at once. */
  constructor(options: BackgroundLoopOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Begins no further round and waits for the one that is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) await this.#pause(await this.#round());
  }

  async #pause(waitMs: number): Promise<void> {
    const { signal } = this.#stop;
    try {
      await this.#options.clock.sleep(waitMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #round(): Promise<number> {
    const { name, round, retryMs, log } = this.#options;
    try {
      return await round();
    } catch (error) {
      log.warn({ error, loop: name }, "worker.loop.failed");
      return retryMs;
    }
  }
}
