import { describe } from "vitest";
import { describeDriverConformance } from "../../testing/conformance.ts";
import { gcswifFakeHarness } from "../../testing/gcs-harness.ts";

describe("gcswif on the fake", () => {
  describeDriverConformance(() => gcswifFakeHarness());
});
