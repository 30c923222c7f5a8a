import { describe } from "vitest";
import { describeDriverConformance } from "../../testing/conformance.ts";
import { s3sAwsHarness, s3sFakeHarness, s3sRgwHarness } from "../../testing/s3s-harness.ts";

describe("s3s on the fakes", () => {
  describeDriverConformance(() => s3sFakeHarness());
});

describe("s3s on a Ceph RADOS Gateway", () => {
  describeDriverConformance(() => s3sRgwHarness());
});

describe("s3s on an account", () => {
  describeDriverConformance(() => s3sAwsHarness());
});
