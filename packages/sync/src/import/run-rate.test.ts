import { describe, expect, it } from "vitest";
import { RateWindow, type RateSample } from "./run-rate.ts";

const at = (seconds: number, over: Partial<RateSample>): RateSample => ({
  phase: "listing",
  listed: 0,
  pending: 0,
  ...over,
  atMs: seconds * 1_000,
});

describe("RateWindow", () => {
  it("has no rate before the second sample", () => {
    const rate = new RateWindow().add(at(0, { listed: 10 }));
    expect(rate).toEqual({ perSecond: null, etaSeconds: null });
  });

  it("counts listed keys per second while listing, and gives no end", () => {
    const window = new RateWindow();
    window.add(at(0, { listed: 1_000 }));
    const rate = window.add(at(2, { listed: 3_000, pending: 50 }));
    expect(rate).toEqual({ perSecond: 1_000, etaSeconds: null });
  });

  it("estimates the end from the objects that wait once the listing is complete", () => {
    const window = new RateWindow();
    window.add(at(0, { listed: 3_000, pending: 900 }));
    window.add(at(1, { phase: "loading", pending: 1_000 }));
    const rate = window.add(at(3, { phase: "loading", pending: 800 }));
    expect(rate).toEqual({ perSecond: 100, etaSeconds: 8 });
  });

  it("gives no end while nothing moves", () => {
    const window = new RateWindow();
    window.add(at(0, { phase: "loading", pending: 10 }));
    const rate = window.add(at(1, { phase: "loading", pending: 10 }));
    expect(rate).toEqual({ perSecond: 0, etaSeconds: null });
  });

  it("forgets samples that are older than its window", () => {
    const window = new RateWindow();
    window.add(at(0, { listed: 0 }));
    window.add(at(20, { listed: 100_000 }));
    expect(window.add(at(21, { listed: 100_010 })).perSecond).toBe(10);
  });
});
