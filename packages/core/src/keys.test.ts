import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareKeys, isSortedKeys, utf8Length } from "./keys.ts";

const encoder = new TextEncoder();

function compareBytes(a: string, b: string): number {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  const index = left.findIndex((byte, at) => byte !== right[at]);
  if (index === -1) return left.length - right.length;
  return (left[index] ?? 0) - (right[index] ?? -1);
}

describe("compareKeys", () => {
  it("orders like the bytes of UTF-8", () => {
    const text = fc.string({ unit: "binary", maxLength: 20 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        return Math.sign(compareKeys(a, b)) === Math.sign(compareBytes(a, b));
      }),
      { numRuns: 200 },
    );
  });

  it("puts characters beyond U+FFFF behind all others", () => {
    expect(compareKeys("\u{1F389}", "\uFF5E")).toBeGreaterThan(0);
  });
});

describe("isSortedKeys", () => {
  it("wants every key greater than the one before", () => {
    expect(isSortedKeys(["a", "b", "\uFF5E", "\u{1F389}"])).toBe(true);
    expect(isSortedKeys(["a", "a"])).toBe(false);
    expect(isSortedKeys([])).toBe(true);
  });
});

describe("utf8Length", () => {
  it("counts bytes as an encoder writes them", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
        expect(utf8Length(text)).toBe(encoder.encode(text).length);
      }),
    );
  });
});
