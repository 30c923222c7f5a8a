import { describe } from "vitest";
import { azureAccountHarness } from "../../testing/azure-account-harness.ts";
import { azureFakeHarness } from "../../testing/azure-fake-harness.ts";
import { azuriteHarness } from "../../testing/azure-harness.ts";
import { describeDriverConformance } from "../../testing/conformance.ts";

describe("azure on the fake", () => {
  describeDriverConformance(() => azureFakeHarness("azure"));
});

describe("azure on Azurite", () => {
  describeDriverConformance(() => azuriteHarness("azure"));
});

describe("azure on an account", () => {
  describeDriverConformance(() => azureAccountHarness("azure"));
});
