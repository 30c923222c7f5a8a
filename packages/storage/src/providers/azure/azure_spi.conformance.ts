import { describe } from "vitest";
import { azuriteHarness } from "../../testing/azure-harness.ts";
import { describeDriverConformance } from "../../testing/conformance.ts";

describe("azure_spi on Azurite", () => {
  describeDriverConformance(() => azuriteHarness("azure_spi"));
});
