import { Secret } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { resolveCredentials } from "./credentials.ts";
import { s3Settings } from "./settings.ts";

const ambient = {
  s3Credentials: {
    accessKeyId: "AKIAOPERATOR",
    secretAccessKey: new Secret("operator"),
    sessionToken: undefined,
  },
};

describe("resolveCredentials", () => {
  it("takes the storage's own key pair, without the operator's token", () => {
    const own = { aws_access_key_id: "AKIAOWN", aws_secret_access_key: "own" };
    const found = resolveCredentials(s3Settings.parse(own), ambient);
    expect([found.accessKeyId, found.secretAccessKey.reveal(), found.sessionToken]).toEqual([
      "AKIAOWN",
      "own",
      undefined,
    ]);
  });

  it("takes the operator's where the storage has none", () => {
    expect(resolveCredentials(s3Settings.parse({}), ambient).accessKeyId).toBe("AKIAOPERATOR");
  });

  it.each([
    [{ s3_endpoint: "https://evil.example" }, ambient],
    [{}, {}],
  ])("never sends the operator's key to a user's endpoint, and says so: %j", (values, offered) => {
    expect(() => resolveCredentials(s3Settings.parse(values), offered)).toThrow(
      expect.objectContaining({
        code: "invalid_config",
        reason: "s3.no_credentials",
        message: "Unable to resolve AWS credentials for this S3 connection.",
      }),
    );
  });

  it("keeps secrets out of every text", () => {
    const values = {
      aws_access_key_id: "A",
      aws_secret_access_key: "hunter2",
      aws_session_token: "token2",
    };
    const shown = JSON.stringify(resolveCredentials(s3Settings.parse(values), {}));
    expect(shown).not.toMatch(/hunter2|token2/);
  });
});
