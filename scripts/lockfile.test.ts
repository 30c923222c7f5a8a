import { expect, it } from "vitest";
import { findLockProblems } from "./lockfile.ts";

it("accepts a lock without hosts whose optional packages are all there", () => {
  const packages = {
    "": { optionalDependencies: { a: "1" } },
    "packages/x": { optionalDependencies: { deep: "1" } },
    "packages/x/node_modules/deep": {},
    "node_modules/a": { optionalDependencies: { b: "1", c: "1" } },
    "node_modules/a/node_modules/b": {},
    "node_modules/c": {},
    "node_modules/@bucketbridge/x": { resolved: "packages/x", link: true },
  };
  expect(findLockProblems(packages)).toEqual([]);
});

it("names a package that would be downloaded from a fixed host", () => {
  const packages = { "node_modules/a": { resolved: "https://registry.example/a.tgz" } };
  expect(findLockProblems(packages)).toEqual([
    "node_modules/a names a download host: https://registry.example/a.tgz",
  ]);
});

it("names an optional package of another platform that the lock lacks", () => {
  const packages = {
    "node_modules/a": { optionalDependencies: { "a-win32": "1" } },
    "node_modules/b/node_modules/a-win32": {},
  };
  expect(findLockProblems(packages)).toEqual([
    "node_modules/a may need a-win32, which the lockfile lacks",
  ]);
});
