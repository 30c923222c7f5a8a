import { expect, test } from "vitest";
import type { RunRecord } from "@bucketbridge/db";
import { RateWindow } from "./run-rate.ts";
import { aRun } from "../../test/fixtures/runs.ts";

function at(seconds: number, over: Partial<RunRecord>): { run: RunRecord; atMs: number } {
  return { run: aRun(over), atMs: seconds * 1_000 };
}

test("has no rate before the second sample", () => {
  expect(new RateWindow().add(at(0, { phase: "listing", listed: 10 }))).toEqual({
    perSecond: null,
    etaSeconds: null,
  });
});

test("counts listed keys per second while listing, and gives no end", () => {
  const window = new RateWindow();
  window.add(at(0, { phase: "listing", listed: 1_000 }));
  expect(window.add(at(2, { phase: "listing", listed: 3_000, pending: 50 }))).toEqual({
    perSecond: 1_000,
    etaSeconds: null,
  });
});

test("estimates the end from the objects that wait once the listing is complete", () => {
  const window = new RateWindow();
  window.add(at(0, { phase: "listing", listed: 3_000, pending: 900 }));
  window.add(at(1, { phase: "loading", pending: 1_000 }));
  expect(window.add(at(3, { phase: "loading", pending: 800 }))).toEqual({
    perSecond: 100,
    etaSeconds: 8,
  });
});

test("gives no end while nothing moves", () => {
  const window = new RateWindow();
  window.add(at(0, { phase: "loading", pending: 10 }));
  expect(window.add(at(1, { phase: "loading", pending: 10 }))).toEqual({
    perSecond: 0,
    etaSeconds: null,
  });
});

test("forgets samples that are older than its window", () => {
  const window = new RateWindow();
  window.add(at(0, { phase: "listing", listed: 0 }));
  window.add(at(20, { phase: "listing", listed: 100_000 }));
  expect(window.add(at(21, { phase: "listing", listed: 100_010 })).perSecond).toBe(10);
});
