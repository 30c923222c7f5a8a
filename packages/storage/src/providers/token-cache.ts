import { untilAborted } from "@bucketbridge/core";

/** A bearer token and its end. */
export interface AccessToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Renewed this long before its end, or at three quarters of a shorter life: a call that begins now must not outlive it. */
const RENEW_AHEAD_MS = 5 * 60_000;

/** Longest time for getting a token, whoever waits for it. */
const FETCH_TIMEOUT_MS = 20_000;

/**
 * Keeps a token until shortly before its end. Callers that come meanwhile share one request, which none of their signals ends: one
 * caller that gives up does not take the token from the others.
 */
export class TokenCache {
  readonly #fetch: (signal: AbortSignal) => Promise<AccessToken>;
  readonly #now: () => number;
  #current: { readonly token: string; readonly renewAt: number } | undefined;
  #pending: Promise<string> | undefined;

  constructor(fetch: (signal: AbortSignal) => Promise<AccessToken>, now: () => number = Date.now) {
    this.#fetch = fetch;
    this.#now = now;
  }

  /** A token that is good for some minutes. `refused`: one that a service did not take any more; it is not given again. */
  async get(signal: AbortSignal, refused?: string): Promise<string> {
    signal.throwIfAborted();
    if (refused !== undefined && this.#current?.token === refused) this.#current = undefined;
    if (this.#current !== undefined && this.#now() < this.#current.renewAt)
      return this.#current.token;
    this.#pending ??= this.#renew();
    return await untilAborted(this.#pending, signal);
  }

  async #renew(): Promise<string> {
    try {
      const { token, expiresAt } = await this.#fetch(AbortSignal.timeout(FETCH_TIMEOUT_MS));
      const lifeMs = expiresAt - this.#now();
      this.#current = { token, renewAt: expiresAt - Math.min(RENEW_AHEAD_MS, lifeMs / 4) };
      return token;
    } finally {
      this.#pending = undefined;
    }
  }
}
