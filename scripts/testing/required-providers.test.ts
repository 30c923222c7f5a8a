import { expect, it } from "vitest";
import { findMissingProviders } from "./required-providers.ts";
import type { RunSummary } from "./summary.ts";

const passed = { passed: 3, failed: 0, skipped: 0 };
const summary = (conformance: RunSummary["conformance"]): RunSummary => ({
  ...passed,
  conformance,
});
const everything = summary({ "s3/fake": passed, "s3/minio": passed, "localfiles/folder": passed });

it("asks for nothing without the variable", () => {
  expect(findMissingProviders(undefined, ["s3"], summary({}))).toEqual([]);
  expect(findMissingProviders(" ", ["s3"], summary({}))).toEqual([]);
});

it("is content when each provider passed on each service", () => {
  expect(findMissingProviders("all", ["s3", "localfiles"], everything)).toEqual([]);
});

it("names a service on which a provider registered no case", () => {
  const withoutMinio = summary({ "s3/fake": passed });
  expect(findMissingProviders("all", ["s3"], withoutMinio)).toEqual([
    "provider s3/minio is required and no conformance case of it passed",
  ]);
});

it("does not take skipped cases for tested ones", () => {
  const skipped = summary({ "s3/fake": passed, "s3/minio": { passed: 0, failed: 0, skipped: 40 } });
  expect(findMissingProviders("all", ["s3"], skipped)).toHaveLength(1);
});

it("complains about a provider that nobody gave a service", () => {
  expect(findMissingProviders("all", ["gcs"], everything)).toEqual([
    "provider gcs has no service in scripts/testing/required-providers.ts",
  ]);
});

it("takes a list of pairs", () => {
  expect(findMissingProviders("s3/minio, s3/account", ["s3"], everything)).toEqual([
    "provider s3/account is required and no conformance case of it passed",
  ]);
});
