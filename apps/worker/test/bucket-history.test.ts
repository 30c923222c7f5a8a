import { describe, expect, it } from "vitest";
import { readHistory } from "./bucket-history.ts";

type Applied = Parameters<typeof readHistory>[0][number];

function put(revision: number, isLate = false): Applied {
  const description = String(revision);
  const rest = { sequence: 0, bucket: "b", bodySha256: "", appliedAt: 0 };
  return { ...rest, kind: "put", key: "1", description, isLate };
}

const DELETE: Applied = { ...put(0), kind: "delete", description: "" };

describe("readHistory", () => {
  it("finds an older revision over a newer one, and an object that came back after its deletion", () => {
    expect(readHistory([put(1), put(3), put(2)], Number).returns).toEqual([put(2)]);
    expect(readHistory([put(1), DELETE, put(1)], Number).returns).toEqual([put(1)]);
    expect(readHistory([put(1), put(2), put(2), DELETE], Number).returns).toEqual([]);
  });

  it("forgives a write that came late as soon as the newest is written again", () => {
    const late = readHistory([put(2), put(1, true)], Number);
    expect(late).toMatchObject({ returns: [], lateReturns: 1, unsettled: ["1"] });
    const settled = readHistory([put(2), put(1, true), put(2)], Number);
    expect(settled).toMatchObject({ returns: [], lateReturns: 1, unsettled: [] });
  });
});
