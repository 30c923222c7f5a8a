import { silentLogger, type Clock } from "@bucketbridge/core";
import { expect, it } from "vitest";
import { BackgroundLoop } from "./background-loop.ts";

/** Waits end when the test says so, or are aborted. */
function manualClock(): { clock: Clock; waits: number[]; tick: () => void } {
  const waits: number[] = [];
  let wake: (() => void) | undefined;
  const clock: Clock = {
    now: () => 0,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        waits.push(ms);
        wake = resolve;
        signal?.addEventListener("abort", () => {
          reject(signal.reason as Error);
        });
      }),
  };
  return { clock, waits, tick: () => wake?.() };
}

it("goes on after a round that failed, and stops between rounds", async () => {
  const { clock, waits, tick } = manualClock();
  let rounds = 0;
  const loop = new BackgroundLoop({
    name: "test",
    round: () => (++rounds === 1 ? Promise.reject(new RangeError("down")) : Promise.resolve(7)),
    retryMs: 3,
    clock,
    log: silentLogger,
  });
  await expect.poll(() => waits).toEqual([3]);
  tick();
  await expect.poll(() => waits).toEqual([3, 7]);
  await loop.stop();
  expect(rounds).toBe(2);
});
