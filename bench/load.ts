import { setTimeout as pause } from "node:timers/promises";

/** More people do not wait at once: beyond it the machine cannot do what is asked, and the rate says so. */
const MAX_RUNNING = 64;

/**
 * Starts `work` at a steady rate, whether the ones before have ended or not, as people do; waits for all. What a busy event loop
 * has missed is started at once. Ends after `seconds`, also when less was done than asked for.
 */
export async function atRate(
  perSecond: number,
  seconds: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  const startMs = performance.now();
  const passed = (): number => (performance.now() - startMs) / 1_000;
  const running = new Set<Promise<void>>();
  let started = 0;
  const isDue = (): boolean => started < passed() * perSecond && running.size < MAX_RUNNING;
  while (passed() < seconds) {
    while (isDue()) {
      const one = work(started++).finally(() => running.delete(one));
      running.add(one);
    }
    await pause(1);
  }
  await Promise.all(running);
}

/** `count` pieces of work, so many at once. */
export async function atOnce(
  concurrency: number,
  count: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, one));
}

/** The value that `share` of all do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** "12 / 30 / 45 ms": p50, p95 and p99. */
export function describeTimes(values: readonly number[]): string {
  return `${[0.5, 0.95, 0.99].map((share) => percentile(values, share).toFixed(0)).join(" / ")} ms`;
}
