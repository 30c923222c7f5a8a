import { describe, expect, it } from "vitest";
import type { BreakerStore } from "./ports.ts";
import { SparingBreaker } from "./sparing-breaker.ts";
import { aTarget } from "./testing/fake-ports.ts";

const FAILURE = { code: "unavailable", message: "away", retryAfterSeconds: 0 } as const;

function make(): {
  readonly breaker: SparingBreaker;
  readonly calls: string[];
  readonly clock: { nowMs: number };
  readonly state: { admitted: "closed" | "probe" };
} {
  const calls: string[] = [];
  const clock = { nowMs: 1_000 };
  const state: { admitted: "closed" | "probe" } = { admitted: "closed" };
  const store: BreakerStore = {
    admit: () => Promise.resolve({ state: state.admitted }),
    onSuccess: ({ locationVersion }) => {
      calls.push(`success ${String(locationVersion)}`);
      return Promise.resolve();
    },
    onOutage: () => {
      calls.push("outage");
      return Promise.resolve();
    },
  };
  const sleep = (): Promise<void> => Promise.resolve();
  const breaker = new SparingBreaker(store, { now: () => clock.nowMs, sleep });
  return { breaker, calls, clock, state };
}

describe("SparingBreaker", () => {
  it("tells the first success at once and the next ones now and then", async () => {
    const { breaker, calls, clock } = make();
    for (let ms = 0; ms <= 500; ms += 50) {
      clock.nowMs = 1_000 + ms;
      await breaker.onSuccess(aTarget());
    }
    expect(calls).toEqual(["success 1", "success 1", "success 1"]);
  });

  it("tells a success of another place, of a probe and after an outage at once", async () => {
    const { breaker, calls, state } = make();
    await breaker.onSuccess(aTarget());
    await breaker.onSuccess(aTarget({ locationVersion: 2 }));
    await breaker.onOutage(aTarget({ locationVersion: 2 }), FAILURE);
    await breaker.onSuccess(aTarget({ locationVersion: 2 }));
    state.admitted = "probe";
    await breaker.admit(aTarget());
    await breaker.onSuccess(aTarget({ locationVersion: 2 }));
    expect(calls).toEqual(["success 1", "success 2", "outage", "success 2", "success 2"]);
  });
});
