import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig, type Environment } from "./load-config.ts";
import { resolveAmbientAzure, resolveEgressAllow, resolvePlatform } from "./platform.ts";
import { ambientSlice } from "./slices/ambient.ts";
import { awsPlatformSlice } from "./slices/aws-platform.ts";
import { azurePlatformSlice } from "./slices/azure-platform.ts";
import { gcpPlatformSlice } from "./slices/gcp-platform.ts";
import { platformSlice } from "./slices/platform.ts";

const SLICES = {
  ambient: ambientSlice,
  awsPlatform: awsPlatformSlice,
  azurePlatform: azurePlatformSlice,
  gcpPlatform: gcpPlatformSlice,
  platform: platformSlice,
};

function resolve(env: Environment) {
  return resolvePlatform(loadConfig(SLICES, env));
}

describe("resolvePlatform", () => {
  it("prefers our own names of the key pair to those of every AWS program", () => {
    const both = {
      AWS_ACCESS_KEY_ID: "AKIAGENERAL",
      AWS_SECRET_ACCESS_KEY: "general",
      BUCKETBRIDGE_AWS_ACCESS_KEY_ID: "AKIAOWN",
      BUCKETBRIDGE_AWS_SECRET_ACCESS_KEY: "own",
    };
    expect(resolve(both).aws.keys?.accessKeyId).toBe("AKIAOWN");
    const half = { ...both, BUCKETBRIDGE_AWS_SECRET_ACCESS_KEY: undefined };
    expect(resolve(half).aws.keys?.secretAccessKey.reveal()).toBe("general");
  });

  it("knows web identity only with both of its parts", () => {
    const file = { AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/token" };
    expect(resolve(file).aws.webIdentity).toBeUndefined();
    expect(resolve({ ...file, AWS_ROLE_ARN: "arn:aws:iam::1:role/pod" }).aws.webIdentity).toEqual({
      roleArn: "arn:aws:iam::1:role/pod",
      tokenFile: "/var/run/token",
      sessionName: "bucketbridge",
    });
  });

  it("asks the instance unless that is switched off", () => {
    expect(resolve({}).aws.metadataEndpoint).toBe("http://169.254.169.254");
    expect(resolve({ AWS_EC2_METADATA_DISABLED: "true" }).aws.metadataEndpoint).toBeUndefined();
  });

  it("finds the credentials of an ECS task and of a pod", () => {
    expect(resolve({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/x" }).aws.container?.url).toBe(
      "http://169.254.170.2/v2/x",
    );
    const full = "http://169.254.170.23/v1/credentials";
    expect(resolve({ AWS_CONTAINER_CREDENTIALS_FULL_URI: full }).aws.container?.url).toBe(full);
  });

  it("opens the platform's way out to the endpoints that the operator set", () => {
    expect(resolve({}).hosts).toEqual([]);
    const env = {
      AWS_ENDPOINT_URL_STS: "http://sts.lab:7480",
      AZURE_AUTHORITY_HOST: "https://login.lab",
      GCE_METADATA_HOST: "10.0.0.1:80",
      BUCKETBRIDGE_GCP_STS_ENDPOINT: "https://sts.lab/v1/token",
      BUCKETBRIDGE_GCP_SUBJECT_TOKEN_URL: "http://tokens.lab/oidc",
    };
    expect(resolve(env).hosts).toEqual([
      "http://sts.lab:7480",
      "https://login.lab",
      "http://tokens.lab/oidc",
      "https://sts.lab/v1/token",
      "http://10.0.0.1:80",
    ]);
  });

  it("reads the file of the platform's Google account, and names the variable of one that is not there", () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), "gcp-")), "key.json");
    writeFileSync(file, '{"type":"service_account"}');
    const { gcp } = resolve({ GOOGLE_APPLICATION_CREDENTIALS: file });
    expect(gcp.credentials?.reveal()).toBe('{"type":"service_account"}');
    rmSync(path.dirname(file), { recursive: true });
    expect(() => resolve({ GOOGLE_APPLICATION_CREDENTIALS: file })).toThrow(
      "GOOGLE_APPLICATION_CREDENTIALS names a file that cannot be read (ENOENT)",
    );
  });

  it("shows workload identity pools a file or an address where one is named, else who it is at AWS", () => {
    expect(resolve({}).gcp.subjectToken).toEqual({ kind: "aws", roleArn: undefined });
    const roleArn = "arn:aws:iam::123456789012:role/wif";
    expect(resolve({ BUCKETBRIDGE_GCP_AWS_ROLE_ARN: roleArn }).gcp.subjectToken).toEqual({
      kind: "aws",
      roleArn,
    });
    expect(
      resolve({ BUCKETBRIDGE_GCP_SUBJECT_TOKEN_FILE: "/var/run/token" }).gcp.subjectToken,
    ).toEqual({ kind: "file", path: "/var/run/token" });
  });

  it.each([
    [{ AWS_ENDPOINT_URL_STS: "sts.lab" }, "AWS_ENDPOINT_URL_STS must be a URL"],
    [
      { AWS_ROLE_ARN: "importer" },
      "AWS_ROLE_ARN must look like arn:aws:iam::123456789012:role/name",
    ],
  ])("refuses %j", (env, text) => {
    expect(() => resolve(env)).toThrow(text);
  });
});

describe("resolveAmbientAzure", () => {
  it("takes the contract's variables, with its prefixes too", () => {
    const config = loadConfig(SLICES, {
      AZURE_BLOB_ACCOUNT_NAME: "account",
      LABEL_STUDIO_AZURE_BLOB_ACCOUNT_KEY: "a2V5",
      AZURE_TENANT_ID: "tenant",
    });
    const { accountName, accountKey, tenantId, clientId } = resolveAmbientAzure(config);
    expect([accountName, accountKey?.reveal(), tenantId, clientId]).toEqual([
      "account",
      "a2V5",
      "tenant",
      undefined,
    ]);
  });

  it("refuses an endpoint that would be the same for every account", () => {
    const BUCKETBRIDGE_AZURE_BLOB_ENDPOINT = "https://blob.example";
    expect(() => resolve({ BUCKETBRIDGE_AZURE_BLOB_ENDPOINT })).toThrow(/\{account\}/);
    const gov = "https://{account}.blob.core.usgovcloudapi.net";
    expect(resolve({ BUCKETBRIDGE_AZURE_BLOB_ENDPOINT: gov }).azure.blobEndpoint).toBe(gov);
  });
});

describe("resolveEgressAllow", () => {
  const egress = { allow: ["10.1.0.0/16"] };

  it.each([
    ["http://minio.internal:9000", ["10.1.0.0/16", "minio.internal"]],
    ["http://[fd00::1]:9000", ["10.1.0.0/16", "fd00::1"]],
    ["minio", ["10.1.0.0/16"]],
    [undefined, ["10.1.0.0/16"]],
  ])("adds the host of the operator's own endpoint %s", (s3Endpoint, expected) => {
    expect(resolveEgressAllow({ egress, ambient: { s3Endpoint } })).toEqual(expected);
  });
});
