import { startS3Fake, type S3Fake } from "@bucketbridge/testkit/s3-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEgress } from "../../egress/create-egress.ts";
import { openS3 } from "../../testing/s3-harness.ts";
import { s3Provider } from "./index.ts";

const OWNER = { accessKeyId: "AKIAOWNER", secretAccessKey: "owner" };
const WRITER = { accessKeyId: "AKIAWRITER", secretAccessKey: "writer", allow: ["write"] as const };
const egress = createEgress({ allow: ["loopback"], denied: [] });
const closed = createEgress({ allow: [], denied: [] });

let fake: S3Fake;
beforeAll(async () => {
  fake = await startS3Fake({
    buckets: ["box", { name: "far", region: "eu-west-1" }],
    accessKeys: [OWNER, WRITER],
  });
  fake.putObject("box", "images/a.jpg", "x");
});
afterAll(async () => {
  await egress.close();
  await closed.close();
  await fake.close();
});

interface Check {
  readonly fields?: Record<string, unknown>;
  readonly prefix?: string;
  readonly direction?: "source" | "target";
  readonly signal?: AbortSignal;
  readonly way?: typeof egress;
}

async function check({
  fields = {},
  prefix = "",
  direction = "source",
  signal,
  way = egress,
}: Check): Promise<unknown> {
  const values = {
    bucket: "box",
    s3_endpoint: fake.endpoint,
    aws_access_key_id: OWNER.accessKeyId,
    aws_secret_access_key: OWNER.secretAccessKey,
    ...fields,
  };
  const driver = await openS3(values, way);
  const options = { direction, prefix, signal: signal ?? new AbortController().signal };
  return s3Provider.validate(driver, s3Provider.settings.parse(values), options).then(
    () => "valid",
    (error: unknown) => error,
  );
}

describe("the contract's check of a connection", () => {
  it.each([
    { prefix: "" },
    { prefix: "images" },
    { prefix: "images/" },
    { prefix: "imag" },
    { prefix: "nowhere", direction: "target" },
    { fields: { bucket: "far" } },
  ] as const)("passes for %j", async (options) => {
    expect(await check(options)).toBe("valid");
  });

  it("names a source's prefix that no key has", async () => {
    expect(await check({ prefix: "nowhere/x" })).toMatchObject({
      code: "not_found",
      reason: "s3.prefix_not_found",
      message: "s3://box/nowhere/x not found.",
    });
  });

  it("names a missing bucket", async () => {
    expect(await check({ fields: { bucket: "unexisted-s3-bucket" } })).toMatchObject({
      code: "not_found",
      reason: "s3.bucket_not_found",
      message: "Cannot find bucket unexisted-s3-bucket in S3",
    });
  });

  it.each([
    ["a wrong secret", { aws_secret_access_key: "x" }, "s3.signature_mismatch"],
    ["an unknown key", { aws_access_key_id: "AKIAUNKNOWN" }, "s3.invalid_access_key"],
    [
      "no permission to list",
      { aws_access_key_id: WRITER.accessKeyId, aws_secret_access_key: WRITER.secretAccessKey },
      "s3.access_denied",
    ],
  ])("names credentials with %s, and keeps what to do beside it", async (_case, fields, reason) => {
    const error = await check({ fields });
    expect(error).toMatchObject({
      reason,
      message: "Cannot connect to S3 box with specified AWS credentials",
    });
    expect(error).toHaveProperty("context.hint", expect.any(String));
  });

  it("has a sentence for a storage without a bucket", async () => {
    expect(await check({ fields: { bucket: "" } })).toMatchObject({
      code: "invalid_config",
      reason: "s3.bucket_missing",
      message: "Error validating storage connection",
    });
  });

  it.each(["box", ""])(
    "refuses a private endpoint with the contract's sentence, bucket %j",
    async (bucket) => {
      expect(await check({ fields: { bucket }, way: closed })).toMatchObject({
        code: "permission_denied",
        reason: "egress.private_address",
        message:
          "URL resolves to a reserved network address (block: 127.0.0.0/8) Allow it with BUCKETBRIDGE_EGRESS_ALLOW.",
      });
    },
  );

  it("says that nothing listens at the endpoint", async () => {
    expect(await check({ fields: { s3_endpoint: "http://127.0.0.1:1" } })).toMatchObject({
      code: "unavailable",
      reason: "s3.unreachable",
      message:
        "Cannot connect to S3 box: the endpoint does not take connections (ECONNREFUSED); check the endpoint's host and port and that the server runs",
    });
  });

  it("says that the store is silent when the deadline passes", async () => {
    fake.inject({ on: "list", kind: "silent" });
    expect(await check({ signal: AbortSignal.timeout(50) })).toMatchObject({
      message: "Cannot connect to S3 box: the store did not answer in time; check the endpoint",
    });
  });
});
