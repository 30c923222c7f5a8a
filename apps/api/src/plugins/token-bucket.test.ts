import { describe, expect, it } from "vitest";
import { TokenBuckets } from "./token-bucket.ts";

describe("token buckets", () => {
  const time = { nowMs: 1_000_000 };
  const clock = { now: () => time.nowMs, sleep: () => Promise.resolve() };
  const takeMany = (buckets: TokenBuckets, caller: string, count: number) =>
    Array.from({ length: count }, () => buckets.take(caller)).filter((wait) => wait === undefined)
      .length;

  it("let a burst through, then the rate", () => {
    const buckets = new TokenBuckets({ perSecond: 50, burst: 200 }, clock);
    expect(takeMany(buckets, "a", 300)).toBe(200);
    expect(buckets.take("a")).toBeCloseTo(0.02);
    time.nowMs += 1_000;
    expect(takeMany(buckets, "a", 300)).toBe(50);
    time.nowMs += 60_000;
    expect(takeMany(buckets, "a", 300)).toBe(200);
  });

  it("know callers apart", () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, clock);
    expect([buckets.take("a"), buckets.take("b")]).toEqual([undefined, undefined]);
    expect(buckets.take("a")).toBe(1);
  });

  it("with the rate 0 stop nobody and remember nobody", () => {
    const buckets = new TokenBuckets({ perSecond: 0, burst: 0 }, clock);
    expect(takeMany(buckets, "a", 1_000)).toBe(1_000);
    expect(buckets.size).toBe(0);
  });

  it("are not emptied or filled by a clock that is set back", () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 2 }, clock);
    buckets.take("a");
    time.nowMs -= 3_600_000;
    expect([buckets.take("a"), buckets.take("a")]).toEqual([undefined, 1]);
    time.nowMs += 1_000;
    expect(buckets.take("a")).toBeUndefined();
  });

  it("remember 20,000 callers and no more", () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, clock);
    buckets.take("first");
    for (let index = 0; index < 25_000; index++) buckets.take(String(index));
    expect(buckets.size).toBe(20_000);
    expect(buckets.take("first")).toBeUndefined();
  });
});
