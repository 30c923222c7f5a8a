import { describe, expect, it } from "vitest";
import { findInvalidValue } from "./invalid-value.ts";
import { findConstant } from "./json-constants.ts";

describe("findInvalidValue", () => {
  it.each([
    [[{ value: { text: "a\u0000" } }], "result[0].value.text", "Null characters are not allowed."],
    [[1, ["x", "\ud800"]], "result[1][1]", "Half of a surrogate pair is not allowed."],
    [
      { "a b": { "c\u0000": 1 } },
      String.raw`result["a b"]["c\u0000"]`,
      "Null characters are not allowed.",
    ],
    [{ "\udc00": 1 }, String.raw`result["\udc00"]`, "Half of a surrogate pair is not allowed."],
    [[JSON.parse("[1e999]")], "result[0][0]", "The number is out of range."],
  ])("finds what cannot be stored in %j", (value, path, problem) => {
    expect(findInvalidValue(value, "result")).toEqual({ path, problem });
  });

  it("lets everything through that comes back as it was sent", () => {
    const value = [{ "": "😀", a: [null, true, -0.5, 1e308], "a.b": "\u0001\ufffd" }];
    expect(findInvalidValue(value, "result")).toBeUndefined();
  });

  it("refuses what is nested too deeply", () => {
    const nest = (depth: number): unknown =>
      JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`) as unknown;
    expect(findInvalidValue(nest(512), "result")).toBeUndefined();
    expect(findInvalidValue(nest(513), "result")?.problem).toBe("The value is nested too deeply.");
  });
});

describe("findConstant", () => {
  it.each([
    ['{"result":[{"value":{"x":NaN}}]}', "NaN", "result[0].value.x"],
    ['[1,{"a":{"b":[]},"c d":[0, -Infinity]}]', "-Infinity", '[1]["c d"][1]'],
    [String.raw`{"NaN":"N\"aN: \\", "k":Infinity}`, "Infinity", "k"],
    ["NaN", "NaN", ""],
  ])("finds the place in %s", (text, word, path) => {
    expect(findConstant(text)).toEqual({ word, path });
  });

  it.each(['{"a": "NaN"', "[-1, x]", '{"a":"NaN', "Null"])("finds none in %s", (text) => {
    expect(findConstant(text)).toBeUndefined();
  });
});
