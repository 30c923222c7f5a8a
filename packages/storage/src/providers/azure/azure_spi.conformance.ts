import { describe } from "vitest";
import { azureAccountHarness } from "../../testing/azure-account-harness.ts";
import { azureFakeHarness } from "../../testing/azure-fake-harness.ts";
import { azuriteHarness } from "../../testing/azure-harness.ts";
import { describeDriverConformance } from "../../testing/conformance.ts";

describe("azure_spi on the fake", () => {
  describeDriverConformance(() => azureFakeHarness("azure_spi"));
});

describe("azure_spi on Azurite", () => {
  describeDriverConformance(() => azuriteHarness("azure_spi"));
});

describe("azure_spi on an account", () => {
  describeDriverConformance(() => azureAccountHarness("azure_spi"));
});
