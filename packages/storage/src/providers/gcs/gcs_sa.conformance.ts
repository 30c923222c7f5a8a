import { describe } from "vitest";
import { describeDriverConformance } from "../../testing/conformance.ts";
import { gcsSaFakeHarness } from "../../testing/gcs-harness.ts";

describe("gcs_sa on the fake", () => {
  describeDriverConformance(() => gcsSaFakeHarness());
});
