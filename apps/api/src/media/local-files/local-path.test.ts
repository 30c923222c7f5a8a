import { expect, test } from "vitest";
import { foldersOf, toLocalPath } from "./local-path.ts";

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

test("finds the folders that hold a path, the deepest first, and no sibling", () => {
  const folders = [
    { path: "/r/ds" },
    { path: "/r/ds/deep" },
    { path: "/r/ds-private" },
    { path: "/r/d" },
  ];
  const found = (wanted: string) => foldersOf(folders, wanted).map((folder) => folder.path);
  expect(found("/r/ds/deep/a.png")).toEqual(["/r/ds/deep", "/r/ds"]);
  expect(found("/r/ds/a.png")).toEqual(["/r/ds"]);
  expect(found("/r/ds-private/a.png")).toEqual(["/r/ds-private"]);
  expect(found("/r/dsx")).toEqual([]);
  expect(found("/r/ds")).toEqual(["/r/ds"]);
});
