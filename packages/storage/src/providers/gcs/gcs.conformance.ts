import { describe } from "vitest";
import { describeDriverConformance } from "../../testing/conformance.ts";
import { gcsFakeHarness } from "../../testing/gcs-harness.ts";
import { fakeGcsServerHarness, gcsAccountHarness } from "../../testing/gcs-server-harness.ts";

describe("gcs on the fake", () => {
  describeDriverConformance(() => gcsFakeHarness());
});

describe("gcs on fake-gcs-server", () => {
  describeDriverConformance(() => fakeGcsServerHarness());
});

describe("gcs on a real account", () => {
  describeDriverConformance(() => gcsAccountHarness());
});
