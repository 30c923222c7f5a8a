import { describe, expect, it } from "vitest";
import { toSessionPolicy } from "./session-policy.ts";

const scope = {
  bucket: "box",
  prefix: "",
  direction: "source",
  partition: "aws",
  isAws: true,
} as const;

describe("toSessionPolicy", () => {
  it("lists the bucket and reads below it", () => {
    expect(JSON.parse(toSessionPolicy(scope))).toMatchObject({
      Statement: [
        { Action: ["s3:ListBucket"], Resource: "arn:aws:s3:::box" },
        { Action: ["s3:GetObject", "s3:GetObjectVersion"], Resource: "arn:aws:s3:::box/*" },
        {},
      ],
    });
  });

  it("takes wildcards of a prefix for what they are", () => {
    const policy = toSessionPolicy({ ...scope, prefix: "a*b?c${x}/" });
    expect(policy).toContain("arn:aws:s3:::box/a${*}b${?}c${$}{x}/*");
  });

  it("knows access points and the other partitions", () => {
    const bucket = "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/box";
    expect(toSessionPolicy({ ...scope, bucket, prefix: "p/" })).toContain(`${bucket}/object/p/*`);
    expect(toSessionPolicy({ ...scope, partition: "aws-cn" })).toContain("arn:aws-cn:s3:::box/*");
  });

  it("lets encrypted objects be read and written at AWS, and names no key service elsewhere", () => {
    expect(toSessionPolicy(scope)).toContain("kms:Decrypt");
    expect(toSessionPolicy({ ...scope, isAws: false })).not.toContain("kms");
  });

  it("leaves out a prefix that STS would find too long", () => {
    const policy = toSessionPolicy({ ...scope, prefix: `${"p".repeat(1_000)}/` });
    expect(policy.length).toBeLessThanOrEqual(2_048);
    expect(policy).toContain("arn:aws:s3:::box/*");
  });
});
