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
  readonly #waiting: ((thread: ParseThread) => void)[] = [];
  readonly #limit: number;

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

  /** A thread for one user, who gives it back by `release`. */
  async acquire(): Promise<ParseThread> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#all.size < this.#limit) return this.#start();
    const { promise, resolve } = Promise.withResolvers<ParseThread>();
    this.#waiting.push(resolve);
    return await promise;
  }

  /** Gives a thread back, dead or alive. Its last request has its answer, or it is ended here. */
  release(thread: ParseThread): void {
    const next = this.#waiting.shift();
    if (thread.isDead) {
      this.#all.delete(thread);
      if (next !== undefined) next(this.#start());
    } else if (next !== undefined) next(thread);
    else this.#idle.push(thread);
  }

  /** Ends all threads; requests under way throw. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map((thread) => thread.close()));
    this.#all.clear();
    this.#idle.length = 0;
  }

  #start(): ParseThread {
    const thread = new ParseThread(this.#options);
    this.#all.add(thread);
    return thread;
  }
}

let shared: ParseThreads | undefined;

/** The threads of the process, for whoever brings none of his own. */
export function sharedParseThreads(): ParseThreads {
  shared ??= new ParseThreads();
  return shared;
}
