import { expect, test } from "vitest";
import { parseRange, toContentRange } from "./range.ts";

test.each([
  ["bytes=0-0", { offset: 0, length: 1 }],
  ["bytes=2-4", { offset: 2, length: 3 }],
  ["bytes=2-", { offset: 2, length: 8 }],
  ["bytes=2-999", { offset: 2, length: 8 }],
  ["bytes=-3", { offset: 7, length: 3 }],
  ["bytes=-99", { offset: 0, length: 10 }],
])("reads %s of ten bytes", (header, range) => {
  expect(parseRange(header, 10)).toEqual(range);
});

test.each([
  undefined,
  "",
  "bytes=-",
  "bytes=-0",
  "bytes=10-",
  "bytes=5-4",
  "bytes=0-1,3-4",
  "bytes=a-b",
  "items=0-1",
])("takes %s as no range", (header) => {
  expect(parseRange(header, 10)).toBeUndefined();
});

test("has no range in an empty body", () => {
  expect(parseRange("bytes=0-", 0)).toBeUndefined();
});

test("writes the content range", () => {
  expect(toContentRange({ offset: 7, length: 3 }, 10)).toBe("bytes 7-9/10");
});
