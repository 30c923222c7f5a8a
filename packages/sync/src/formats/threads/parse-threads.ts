import { AppError } from "@bucketbridge/core";
import { ParseThread, type ParseThreadLimits } from "./parse-thread.ts";

/** How many threads, and their bounds. */
export interface ParseThreadsOptions extends ParseThreadLimits {
  /** Two by default: heavy files share the cores with everything else. */
  readonly threads?: number | undefined;
}

const DEFAULT_THREADS = 2;

/**
 * Threads for parsing that may take long or much memory. Started when first wanted, kept for the next, replaced when one hits its limits. They
 * do not keep the process alive.
 */
export class ParseThreads {
  readonly #options: ParseThreadsOptions;
  readonly #idle: ParseThread[] = [];
  readonly #all = new Set<ParseThread>();
  readonly #waiting: PromiseWithResolvers<ParseThread>[] = [];
  readonly #limit: number;
  #isClosed = false;

  constructor(options: ParseThreadsOptions = {}) {
    this.#options = options;
    this.#limit = options.threads ?? DEFAULT_THREADS;
  }

  /** Runs `work` with a thread of its own; waits while all are in use, first come first served. */
  async use<Result>(work: (thread: ParseThread) => Promise<Result>): Promise<Result> {
    const thread = await this.acquire();
    try {
      return await work(thread);
    } finally {
      this.release(thread);
    }
  }

  /** A thread for one user, who gives it back by `release`. Throws `canceled` once closed. */
  async acquire(): Promise<ParseThread> {
    if (this.#isClosed) throw closed();
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#all.size < this.#limit) return this.#start();
    const waiting = Promise.withResolvers<ParseThread>();
    this.#waiting.push(waiting);
    return await waiting.promise;
  }

  /** Gives a thread back, dead or alive. Its last request has its answer. */
  release(thread: ParseThread): void {
    if (thread.isDead) this.#all.delete(thread);
    if (this.#isClosed) return;
    const next = this.#waiting.shift();
    if (next !== undefined) next.resolve(thread.isDead ? this.#start() : thread);
    else if (!thread.isDead) this.#idle.push(thread);
  }

  /** Ends all threads. Requests under way and users who wait throw `canceled`. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closed());
    await Promise.all([...this.#all].map((thread) => thread.close()));
  }

  #start(): ParseThread {
    const thread = new ParseThread(this.#options);
    this.#all.add(thread);
    return thread;
  }
}

function closed(): AppError {
  return new AppError({
    code: "canceled",
    op: "parse.thread",
    message: "the process is shutting down",
  });
}

let shared: ParseThreads | undefined;

/** The threads of the process, for whoever brings none of his own. */
export function sharedParseThreads(): ParseThreads {
  shared ??= new ParseThreads();
  return shared;
}
