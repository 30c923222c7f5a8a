import { silentLogger, type Clock } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { LeaseKeeper, type RenewalResult } from "./lease-keeper.ts";

/** A clock whose sleepers wake when the test says so. */
class ManualClock implements Clock {
  #now = 0;
  #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => {
        reject(signal.reason as Error);
      });
      this.#sleepers.push({ at: this.#now + ms, wake: resolve });
    });
  }

  async advance(ms: number): Promise<void> {
    this.#now += ms;
    const due = this.#sleepers.filter((sleeper) => sleeper.at <= this.#now);
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.at > this.#now);
    due.forEach((sleeper) => {
      sleeper.wake();
    });
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
}

function keep(renew: () => Promise<RenewalResult>): { clock: ManualClock; keeper: LeaseKeeper } {
  const clock = new ManualClock();
  return { clock, keeper: new LeaseKeeper({ renew, clock, log: silentLogger, leaseSeconds: 45 }) };
}

describe("LeaseKeeper", () => {
  it("renews every third of the lease until it is stopped", async () => {
    let renewals = 0;
    const { clock, keeper } = keep(() => Promise.resolve((renewals++, "held")));
    await clock.advance(15_000);
    await clock.advance(15_000);
    expect(renewals).toBe(2);
    keeper.stop();
    await clock.advance(15_000);
    expect(renewals).toBe(2);
    expect(keeper.signal.aborted).toBe(false);
  });

  it("stops renewing when no checkpoint was committed for five minutes", async () => {
    let renewals = 0;
    const { clock, keeper } = keep(() => Promise.resolve((renewals++, "held")));
    for (let turn = 0; turn < 21; turn++) await clock.advance(15_000);
    expect(keeper.signal.reason).toBe("lost");
    expect(renewals).toBe(20);
  });

  it("goes on for as long as checkpoints are committed", async () => {
    const { clock, keeper } = keep(() => Promise.resolve("held"));
    for (let turn = 0; turn < 60; turn++) {
      keeper.checkpoint();
      await clock.advance(15_000);
    }
    expect(keeper.signal.aborted).toBe(false);
  });

  it.each(["lost", "cancel"] as const)(
    "aborts its signal when a renewal finds %s",
    async (found) => {
      const { clock, keeper } = keep(() => Promise.resolve(found));
      await clock.advance(15_000);
      expect(keeper.signal.reason).toBe(found);
    },
  );

  it("outlives a failed renewal, and is lost once the lease must have expired", async () => {
    const { clock, keeper } = keep(() => Promise.reject(new TypeError("connection reset")));
    await clock.advance(15_000);
    await clock.advance(15_000);
    expect(keeper.signal.aborted).toBe(false);
    await clock.advance(15_000);
    expect(keeper.signal.reason).toBe("lost");
  });
});
