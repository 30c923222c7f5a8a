/** At most `max` holders at a time; the others wait in the order in which they came. */
export class Semaphore {
  readonly #max: number;
  readonly #waiting = new Set<() => void>();
  #held = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Holders now. */
  get held(): number {
    return this.#held;
  }

  /** Resolves with the release function (idempotent). Rejects with the signal's reason when it is aborted first. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#held < this.#max) this.#held++;
    else await this.#wait(signal);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#release();
    };
  }

  /** The place is handed over by whoever releases it, so `held` does not move. */
  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onTurn = (): void => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.delete(onTurn);
        reject(signal.reason as Error);
      };
      this.#waiting.add(onTurn);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#held--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
