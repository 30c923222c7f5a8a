import { expect, test } from "vitest";
import { toLocalPath } from "./local-path.ts";

test.each([
  ["ds/a.png", "/data/root/ds/a.png"],
  ["/ds/a.png", "/data/root/ds/a.png"],
  ["//ds//a.png", "/data/root/ds/a.png"],
  ["ds/../ds/a.png", "/data/root/ds/a.png"],
  ["../root/ds/a.png", "/data/root/ds/a.png"],
  ["ds/..a.png", "/data/root/ds/..a.png"],
  ["..ds/a.png", "/data/root/..ds/a.png"],
])("takes %s as a path below the root", (d, expected) => {
  expect(toLocalPath("/data/root", d)).toBe(expected);
});

test.each([
  "..",
  "../",
  "../rootless/a",
  "ds/../../etc/passwd",
  "/../../etc/passwd",
  ".",
  "/",
  "a\0b",
])("refuses %j, which leaves the root", (d) => {
  expect(toLocalPath("/data/root", d)).toBeUndefined();
});
