import { describe, expect, it } from "vitest";
import { describeConfig } from "./describe-config.ts";

describe("describeConfig", () => {
  it("describes each variable once, with a meaning in one sentence", () => {
    const variables = describeConfig();
    const names = variables.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, meaning } of variables)
      expect(`${name}: ${meaning}`).toMatch(/: .{10,}[^.]$/);
  });

  it("marks what must not be shown", () => {
    const secrets = describeConfig().filter(({ isSecret }) => isSecret);
    expect(secrets.map(({ name }) => name)).toEqual([
      "DATABASE_URL",
      "DATABASE_ADMIN_URL",
      "REDIS_URL",
      "BUCKETBRIDGE_SECRET_KEYS",
      "BUCKETBRIDGE_TOKEN_KEY",
      "BUCKETBRIDGE_OWNER_TOKEN",
      "LABEL_STUDIO_AWS_ACCESS_KEY_ID",
      "LABEL_STUDIO_AWS_SECRET_ACCESS_KEY",
      "LABEL_STUDIO_AWS_SESSION_TOKEN",
      "BUCKETBRIDGE_AWS_ACCESS_KEY_ID",
      "BUCKETBRIDGE_AWS_SECRET_ACCESS_KEY",
      "BUCKETBRIDGE_AWS_SESSION_TOKEN",
      "BUCKETBRIDGE_AWS_FORMER_ACCESS_KEY_ID",
      "BUCKETBRIDGE_AWS_FORMER_SECRET_ACCESS_KEY",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN",
      "LABEL_STUDIO_AZURE_BLOB_ACCOUNT_NAME",
      "LABEL_STUDIO_AZURE_BLOB_ACCOUNT_KEY",
      "LABEL_STUDIO_AZURE_CLIENT_SECRET",
      "BUCKETBRIDGE_PERSISTENCE_ACCESS_KEY_ID",
      "BUCKETBRIDGE_PERSISTENCE_SECRET_ACCESS_KEY",
      "BUCKETBRIDGE_PERSISTENCE_SESSION_TOKEN",
      "BUCKETBRIDGE_PERSISTENCE_GOOGLE_CREDENTIALS",
      "BUCKETBRIDGE_PERSISTENCE_ACCOUNT_KEY",
      "BUCKETBRIDGE_PERSISTENCE_CLIENT_SECRET",
    ]);
  });

  it("gives no secret a default", () => {
    for (const variable of describeConfig())
      if (variable.isSecret) expect(variable.default).toBeUndefined();
  });
});
