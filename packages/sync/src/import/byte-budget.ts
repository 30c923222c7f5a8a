/**
 * Bytes that a process may hold at once, shared by all its loads (design §13). First come, first served; a request
 * beyond the whole budget is cut to it, so nothing waits for ever.
 */
export class ByteBudget {
  readonly #limitBytes: number;
  #usedBytes = 0;
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = [];

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes that are taken now. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Waits for `bytes`, resolves to a function that gives them back (idempotent). Rejects with the signal's reason. */
  async acquire(bytes: number, signal: AbortSignal): Promise<() => void> {
    const wanted = Math.min(Math.max(bytes, 1), this.#limitBytes);
    signal.throwIfAborted();
    if (this.#waiting.length > 0 || this.#usedBytes + wanted > this.#limitBytes)
      await this.#wait(wanted, signal);
    else this.#usedBytes += wanted;
    return this.#giveBack(wanted);
  }

  /** As `acquire`, without waiting: undefined when there is no room now. */
  tryAcquire(bytes: number): (() => void) | undefined {
    if (this.#waiting.length > 0 || this.#usedBytes + bytes > this.#limitBytes) return undefined;
    this.#usedBytes += bytes;
    return this.#giveBack(bytes);
  }

  #giveBack(bytes: number): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#usedBytes -= bytes;
      this.#startNext();
    };
  }

  #wait(bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = {
        bytes,
        start: () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
        this.#startNext();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(entry);
    });
  }

  #startNext(): void {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || this.#usedBytes + next.bytes > this.#limitBytes) return;
      this.#waiting.shift();
      this.#usedBytes += next.bytes;
      next.start();
    }
  }
}
