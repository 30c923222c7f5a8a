import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { watchParent } from "./parent-guard.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("tells once that the parent has gone", () => {
  let parent = 7;
  let told = 0;
  watchParent(
    () => {
      told++;
    },
    () => parent,
  );
  vi.advanceTimersByTime(5_000);
  expect(told).toBe(0);
  parent = 1;
  vi.advanceTimersByTime(5_000);
  expect(told).toBe(1);
});

it("tells nothing after it was stopped", () => {
  let parent = 7;
  let told = 0;
  const stop = watchParent(
    () => {
      told++;
    },
    () => parent,
  );
  stop();
  parent = 1;
  vi.advanceTimersByTime(5_000);
  expect(told).toBe(0);
});
