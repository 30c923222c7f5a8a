import { describe } from "vitest";
import { describeDriverConformance } from "../../testing/conformance.ts";
import { awsHarness, minioHarness, rgwHarness, s3FakeHarness } from "../../testing/s3-harness.ts";

describe("s3 on the fake", () => {
  describeDriverConformance(() => s3FakeHarness());
});

describe("s3 on MinIO", () => {
  describeDriverConformance(() => minioHarness());
});

describe("s3 on a Ceph RADOS Gateway", () => {
  describeDriverConformance(() => rgwHarness());
});

describe("s3 on an account", () => {
  describeDriverConformance(() => awsHarness());
});
