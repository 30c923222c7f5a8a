import { afterEach, describe, expect, it, vi } from "vitest";
import { parseRetryAfter } from "./retry-after.ts";

describe("a Retry-After header", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ["7", 7_000],
    ["0", 0],
    ["Thu, 26 Nov 2026 08:00:30 GMT", 30_000],
    ["Thu, 26 Nov 2026 07:00:00 GMT", 0],
    ["soon", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%j means %s ms", (header, ms) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 26, 8) });
    expect(parseRetryAfter(header)).toBe(ms);
  });
});
