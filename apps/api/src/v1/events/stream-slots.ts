import { AppError } from "@bucketbridge/core";

/** Each stream holds a connection: enough for a team that watches, too few to exhaust the process. */
const MAX_STREAMS = 500;
const MAX_STREAMS_PER_USER = 20;
const RETRY_AFTER_MS = 5_000;

/** Counts open event streams and refuses more than the process should hold. */
export class StreamSlots {
  readonly #byUser = new Map<number, number>();
  #open = 0;

  /** Takes a slot and returns how to give it back (idempotent); throws `rate_limited` when there is none. */
  take(userId: number): () => void {
    const own = this.#byUser.get(userId) ?? 0;
    if (this.#open >= MAX_STREAMS || own >= MAX_STREAMS_PER_USER) throw tooMany(own);
    this.#open++;
    this.#byUser.set(userId, own + 1);
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#open--;
      const left = (this.#byUser.get(userId) ?? 1) - 1;
      if (left === 0) this.#byUser.delete(userId);
      else this.#byUser.set(userId, left);
    };
  }
}

function tooMany(own: number): AppError {
  return new AppError({
    code: "rate_limited",
    reason: "events.too_many_streams",
    message: `${String(own)} of your event streams are open; close one or poll GET /api/v1/runs/{id}`,
    retryAfterMs: RETRY_AFTER_MS,
  });
}
