import { describe, expect, it } from "vitest";
import { toWorkersWanted } from "./scale.ts";

const options = { concurrency: 4, loadSlots: 4 };
const idle = { activeRuns: 0, openUnits: 0, pendingObjects: 0, dueDeliveries: 0 };

describe("toWorkersWanted", () => {
  it("wants nobody when nothing waits", () => {
    expect(toWorkersWanted(idle, options)).toEqual({ import: 0, export: 0 });
  });

  it("wants one for a single listing", () => {
    expect(toWorkersWanted({ ...idle, activeRuns: 1, openUnits: 1 }, options).import).toBe(1);
  });

  it("wants no more for one run than its slots can keep busy", () => {
    const work = { ...idle, activeRuns: 1, openUnits: 1, pendingObjects: 1_000_000 };
    expect(toWorkersWanted(work, options).import).toBe(2);
  });

  it("grows with the runs", () => {
    const work = { ...idle, activeRuns: 10, openUnits: 10, pendingObjects: 1_000_000 };
    expect(toWorkersWanted(work, options).import).toBe(13);
  });

  it("grows with due deliveries", () => {
    expect(toWorkersWanted({ ...idle, dueDeliveries: 10_000 }, options)).toEqual({
      import: 0,
      export: 5,
    });
  });
});
