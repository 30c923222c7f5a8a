import { describe } from "vitest";
import { describeDriverConformance } from "../../testing/conformance.ts";
import { gcsFakeHarness } from "../../testing/gcs-harness.ts";

describe("gcs on the fake", () => {
  describeDriverConformance(() => gcsFakeHarness());
});
