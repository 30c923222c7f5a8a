import { describe, expect, it } from "vitest";
import { listSettingsFields } from "../settings-fields.ts";
import { s3Settings } from "./settings.ts";

function complaints(values: Record<string, unknown>): Record<string, string> {
  const result = s3Settings.safeParse(values);
  if (result.success) return {};
  return Object.fromEntries(
    result.error.issues.map(({ path, message }) => [path.join("."), message]),
  );
}

describe("s3Settings", () => {
  it.each(["bucket", "A", "my.bucket-1_x", "a".repeat(255), "", null, undefined])(
    "takes the bucket %j",
    (bucket) => {
      expect(complaints({ bucket })).toEqual({});
    },
  );

  it.each([
    "arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point",
    "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint:my.point",
    "arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-1/accesspoint/my-point",
  ])("takes the ARN %j", (bucket) => {
    expect(complaints({ bucket })).toEqual({});
  });

  it.each(["has space", "a/b", "a".repeat(256), "arn:aws:s3:::bucket", "ü", "a?b", "a@b"])(
    "refuses the bucket %j with the contract's sentence",
    (bucket) => {
      expect(complaints({ bucket })).toEqual({
        bucket: `Invalid bucket name "${bucket}": Bucket name must match the regex "^[a-zA-Z0-9.\\-_]{1,255}$" or be an ARN matching the regex "^arn:(aws).*:(s3|s3-object-lambda):[a-z\\-0-9]*:[0-9]{12}:accesspoint[/:][a-zA-Z0-9\\-.]{1,63}$|^arn:(aws).*:s3-outposts:[a-z\\-0-9]+:[0-9]{12}:outpost[/:][a-zA-Z0-9\\-]{1,63}[/:]accesspoint[/:][a-zA-Z0-9\\-]{1,63}$"`,
      });
    },
  );

  it.each([
    [{ aws_access_key_id: "AKIA" }, "aws_secret_access_key"],
    [{ aws_secret_access_key: "s" }, "aws_access_key_id"],
    [{ aws_access_key_id: "AKIA", aws_secret_access_key: "" }, "aws_secret_access_key"],
    [{ aws_access_key_id: null, aws_secret_access_key: "s" }, "aws_access_key_id"],
  ])("wants key id and secret together: %j", (values, field) => {
    expect(complaints(values)).toEqual({
      [field]: "Access Key ID and Secret Access Key must be provided together.",
    });
  });

  it("wants a key pair with a session token", () => {
    expect(complaints({ aws_session_token: "t" })).toEqual({
      aws_session_token: "Session Token requires an Access Key ID and Secret Access Key.",
    });
  });

  it.each(["x.evil.com/#", "us east", "-x", "a/b"])(
    "refuses the region %j, which would become part of a host",
    (region_name) => {
      expect(Object.keys(complaints({ region_name }))).toEqual(["region_name"]);
    },
  );

  it("refuses a password in the endpoint, which every response would show", () => {
    expect(Object.keys(complaints({ s3_endpoint: "https://user:pw@minio.example" }))).toEqual([
      "s3_endpoint",
    ]);
    expect(complaints({ s3_endpoint: "https://minio.example/a@b" })).toEqual({});
  });

  it("trims what was pasted", () => {
    expect(
      s3Settings.parse({ aws_access_key_id: " AKIA\n", aws_secret_access_key: "s\t" }),
    ).toMatchObject({
      aws_access_key_id: "AKIA",
      aws_secret_access_key: "s",
    });
  });

  it("marks secrets, and what decides where they go", () => {
    const fields = listSettingsFields(s3Settings);
    const named = (test: (field: (typeof fields)[number]) => boolean): string[] =>
      fields.filter(test).map(({ name }) => name);
    expect(named(({ secret }) => secret)).toEqual([
      "aws_access_key_id",
      "aws_secret_access_key",
      "aws_session_token",
    ]);
    expect(named(({ location }) => location)).toEqual(["bucket", "s3_endpoint"]);
    expect(named(({ host }) => host)).toEqual(["s3_endpoint"]);
  });
});
