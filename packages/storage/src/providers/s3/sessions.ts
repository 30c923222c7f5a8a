import { isAppError, untilAborted, type AppError } from "@bucketbridge/core";
import type { AwsKeys } from "../provider-deps.ts";

/** Keys to sign with, and when they end. */
export interface AwsSession extends AwsKeys {
  /** Undefined: they have no end. */
  readonly expiresAtMs?: number | undefined;
}

/** Gives keys that are good now. Shared by all that sign for one storage. */
export interface CredentialSource {
  /** Rejects with an `AppError` that says why there are none; waits no longer than `signal`. */
  get(signal?: AbortSignal): Promise<AwsSession>;
}

/** Keys that never change. */
export function fixedKeys(keys: AwsKeys): CredentialSource {
  return { get: () => Promise.resolve(keys) };
}

/** How sessions are fetched. */
export interface SessionOptions {
  /** Makes a new session; the signal is a deadline. */
  readonly open: (signal: AbortSignal) => Promise<AwsSession>;
  /** A session with less life left than this is renewed. */
  readonly renewAheadMs: number;
  readonly now?: (() => number) | undefined;
}

/** An identity service that says nothing for this long is left alone until the next attempt. */
const OPEN_TIMEOUT_MS = 10_000;
/** A session is used in spite of an identity service that is away while it has this much life left. */
const LAST_USE_MS = 60_000;
/** So soon nothing has changed: neither a refusal nor a session that came back with little life. */
const PATIENCE_MS = 5_000;

/**
 * A session that is renewed before it ends. Callers at the same time share one request; after a refusal the next one is
 * made `PATIENCE_MS` later at the earliest. A refused renewal ends the access at once, although the session would live on.
 */
export class RenewedSession implements CredentialSource {
  readonly #options: SessionOptions;
  #session: AwsSession | undefined;
  #opening: Promise<AwsSession> | undefined;
  #refusal: AppError | undefined;
  #nextOpenMs = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  async get(signal?: AbortSignal): Promise<AwsSession> {
    signal?.throwIfAborted();
    const { renewAheadMs } = this.#options;
    const leftMs = this.#leftMs();
    if (this.#session !== undefined && leftMs > renewAheadMs) return this.#session;
    if (this.#now() < this.#nextOpenMs) {
      if (this.#refusal !== undefined) throw this.#refusal;
      if (this.#session !== undefined && leftMs > LAST_USE_MS) return this.#session;
    }
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return signal === undefined ? this.#opening : untilAborted(this.#opening, signal);
  }

  async #open(): Promise<AwsSession> {
    try {
      this.#session = await this.#options.open(AbortSignal.timeout(OPEN_TIMEOUT_MS));
      this.#refusal = undefined;
      return this.#session;
    } catch (error) {
      const isAway =
        !isAppError(error) || ["unavailable", "timeout", "rate_limited"].includes(error.code);
      if (isAway && this.#session !== undefined && this.#leftMs() > LAST_USE_MS)
        return this.#session;
      if (!isAway) {
        this.#session = undefined;
        this.#refusal = error;
      }
      throw error;
    } finally {
      this.#nextOpenMs = this.#now() + PATIENCE_MS;
    }
  }

  #leftMs(): number {
    return (this.#session?.expiresAtMs ?? Infinity) - this.#now();
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}
