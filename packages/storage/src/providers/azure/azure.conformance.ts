import { describe } from "vitest";
import { azuriteHarness } from "../../testing/azure-harness.ts";
import { describeDriverConformance } from "../../testing/conformance.ts";

describe("azure on Azurite", () => {
  describeDriverConformance(() => azuriteHarness("azure"));
});
