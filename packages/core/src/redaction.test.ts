import { describe, expect, it } from "vitest";
import { redact, redactText } from "./redaction.ts";

describe("redactText", () => {
  it.each([
    ["a signed URL", "https://b.example/k?X-Amz-Signature=S3CRET&x=1"],
    ["a signature in a header", "AWS4-HMAC-SHA256 Credential=AKIA/x/y, Signature=S3CRETS3CRET"],
    ["an authorization value", "authorization: Token S3CRETS3CRET1234"],
    ["one in lower case", "authorization: bearer S3CRETS3CRET1234"],
    ["a password in a URL", "cannot reach redis://:S3CRET@host:6379"],
    ["a password with an @", "cannot reach postgresql://bob:pa@S3CRET@db/x"],
    ["a token in a URL", "cannot reach https://S3CRETS3CRET@host.example/path"],
    ["a passphrase", "the key needs passphrase=S3CRET, says the store"],
    ["a passphrase in JSON", '{"passphrase":"S3CRET"}'],
    ["a signature without a question mark", "sv=2025-11-05&sr=b&sig=S3CRET%3D"],
    ["a signature alone", "sig=S3CRET%3D was refused"],
    ["a SAS", "SharedAccessSignature=S3CRET;BlobEndpoint=x"],
    ["a SAS by its short name", "sas=S3CRET"],
    ["a connection string", "AccountName=a;AccountKey=S3CRET==;EndpointSuffix=x"],
    ["a private key", "-----BEGIN PRIVATE KEY-----\nS3CRET\n-----END PRIVATE KEY-----"],
  ])("hides %s", (_what, text) => {
    const safe = redactText(text);
    expect(safe).not.toContain("S3CRET");
    expect(redactText(safe)).toBe(safe);
  });

  it.each([
    "the continuation token is incorrect",
    "basic authentication failed",
    "could not list s3://cats/img: the store refuses access (AccessDenied, HTTP 403)",
    "see http://127.0.0.1:8080/docs and mail owner@example.com",
    "could not read azure-blob://cats/img/a@2x.png: the blob does not exist",
    "see https://example.com?mail=owner@example.com",
  ])("leaves %j as it is", (text) => {
    expect(redactText(text)).toBe(text);
  });
});

describe("redact", () => {
  it("hides values of fields with secret names, however deep, and cuts what is too deep", () => {
    const deep = { a: [{ aws_secret_access_key: "S3CRET", key: "img/a.jpg" }] };
    expect(redact(deep)).toEqual({
      a: [{ aws_secret_access_key: "[redacted]", key: "img/a.jpg" }],
    });
    const endless: Record<string, unknown> = {};
    endless["self"] = endless;
    expect(JSON.stringify(redact(endless))).toContain("[deep]");
  });

  it("shows of an error its name, message and code alone", () => {
    const error = Object.assign(new Error("Bearer S3CRETS3CRET"), {
      code: "E1",
      request: "S3CRET",
    });
    expect(redact(error)).toEqual({ name: "Error", message: "Bearer [redacted]", code: "E1" });
  });
});
