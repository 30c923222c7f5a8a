import { expect, it } from "vitest";
import { findMissingProviders } from "./required-providers.ts";
import type { RunSummary } from "./summary.ts";

const passed = { passed: 3, failed: 0, skipped: 0 };
const summary = (conformance: RunSummary["conformance"]): RunSummary => ({
  ...passed,
  conformance,
  skipReasons: {},
});
const everything = summary({
  "azure/fake": passed,
  "azure/azurite": passed,
  "localfiles/folder": passed,
});

it("asks for nothing without the variable", () => {
  expect(findMissingProviders(undefined, ["s3"], summary({}))).toEqual([]);
  expect(findMissingProviders(" ", ["s3"], summary({}))).toEqual([]);
});

it("is content when each provider passed on each service", () => {
  expect(findMissingProviders("all", ["azure", "localfiles"], everything)).toEqual([]);
});

it("names a service on which a provider registered no case", () => {
  const withoutAzurite = summary({ "azure/fake": passed });
  expect(findMissingProviders("all", ["azure"], withoutAzurite)).toEqual([
    "provider azure/azurite is required and no conformance case of it passed",
  ]);
});

it("does not take skipped cases for tested ones", () => {
  const idle = { passed: 0, failed: 0, skipped: 40 };
  const skipped = summary({ "azure/fake": passed, "azure/azurite": idle });
  expect(findMissingProviders("all", ["azure"], skipped)).toHaveLength(1);
});

it("complains about a provider that nobody gave a service", () => {
  expect(findMissingProviders("all", ["another"], everything)).toEqual([
    "provider another has no service in scripts/testing/required-providers.ts",
  ]);
});

it("takes a list of pairs", () => {
  expect(findMissingProviders("azure/fake, azure/account", ["azure"], everything)).toEqual([
    "provider azure/account is required and no conformance case of it passed",
  ]);
});
