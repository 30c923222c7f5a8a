/** Exponential backoff: `baseMs` doubles per attempt up to `capMs`; the last half of each wait is random. */
export interface BackoffPolicy {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Milliseconds to wait after failed attempt number `attempt` (1, 2, …). `random` gives a number in [0, 1). */
export function backoffMs(
  policy: BackoffPolicy,
  attempt: number,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1));
  return ceiling * (0.5 + random() / 2);
}
