import { silentLogger } from "@bucketbridge/core";
import { Yield, type JobContext } from "@bucketbridge/queue";
import { describe, expect, it } from "vitest";
import { inTurns } from "./in-turns.ts";

const payload = { v: 1, organizationId: 7, runId: 1, slot: 0, label: "" } as const;
const loaded = { objects: 1, rows: 1 };

function aContext(place: number | undefined): JobContext {
  return {
    signal: new AbortController().signal,
    attempt: 1,
    place,
    previous: undefined,
    log: silentLogger,
    progress: () => undefined,
    jobLog: () => undefined,
  };
}

/** Numbers of organisation 7 from 41 on, for a job that was new or had the number 30. */
function numbers() {
  let last = 40;
  return {
    draw: ({ organizationId, served }: { organizationId: number; served: number }) => {
      expect(organizationId).toBe(7);
      expect([0, 30]).toContain(served);
      return Promise.resolve(++last);
    },
  };
}

describe("inTurns", () => {
  it("gives a fresh job its place before it does anything", async () => {
    let calls = 0;
    const handler = inTurns<"import.load", typeof payload>(numbers(), () => {
      calls++;
      return Promise.resolve(loaded);
    });
    const result = await handler(payload, aContext(undefined));
    expect(result).toEqual(new Yield({ delayMs: 0, place: 42 }));
    expect(calls).toBe(0);
    expect(await handler(payload, aContext(31))).toBe(loaded);
  });

  it("draws a new number after a whole turn, and keeps it while the job only waits", async () => {
    const yields = [new Yield({ delayMs: 1_000 }), new Yield({ delayMs: 0 })];
    const handler = inTurns<"import.load", typeof payload>(numbers(), () =>
      Promise.resolve(yields.shift() ?? loaded),
    );
    expect(await handler(payload, aContext(31))).toMatchObject({ place: undefined });
    expect(await handler(payload, aContext(31))).toMatchObject({ delayMs: 0, place: 42 });
  });

  it("does not come first again when there is no number", async () => {
    const broken = { draw: () => Promise.reject(new RangeError("down")) };
    const handler = inTurns<"import.load", typeof payload>(broken, () => Promise.resolve(loaded));
    const result = await handler(payload, aContext(undefined));
    expect(result).toMatchObject({ delayMs: 1_000, place: undefined });
  });
});
