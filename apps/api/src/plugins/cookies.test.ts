import { expect, it } from "vitest";
import { readCookie } from "./cookies.ts";

it.each([
  [undefined, undefined],
  ["", undefined],
  ["a=1", "1"],
  ["b=2; a=1", "1"],
  ["ba=2;a=1=x", "1=x"],
  ["a=first; a=second", "first"],
  ["=1; a", undefined],
])("reads the cookie of %j", (header, value) => {
  expect(readCookie(header, "a")).toBe(value);
});
