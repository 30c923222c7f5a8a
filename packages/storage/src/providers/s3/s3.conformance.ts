import { describe } from "vitest";
import { describeDriverConformance } from "../../testing/conformance.ts";
import { minioHarness, s3FakeHarness } from "../../testing/s3-harness.ts";

describe("s3 on the fake", () => {
  describeDriverConformance(() => s3FakeHarness());
});

describe("s3 on MinIO", () => {
  describeDriverConformance(() => minioHarness());
});
