import { describe, expect, it } from "vitest";
import { toCreatedAgo } from "./created-ago.ts";

const HOUR = 3_600_000;

describe("toCreatedAgo", () => {
  it.each([
    [-5_000, "0\u00a0minutes"],
    [59_000, "0\u00a0minutes"],
    [61_000, "1\u00a0minute"],
    [2 * HOUR, "2\u00a0hours"],
    [25 * HOUR + 5 * 60_000, "1\u00a0day, 1\u00a0hour"],
    [24 * HOUR + 5 * 60_000, "1\u00a0day"],
    [400 * 24 * HOUR, "1\u00a0year, 1\u00a0month"],
  ])("says how long ago %i ms are", (ageMs, expected) => {
    expect(toCreatedAgo(new Date(1_000_000_000_000 - ageMs), 1_000_000_000_000)).toBe(expected);
  });
});
