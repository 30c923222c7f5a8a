import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http, { type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Secret } from "@bucketbridge/core";
import { startGcsFake, type GcsFake } from "@bucketbridge/testkit/gcs-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StorageDriver } from "../../driver.ts";
import { createEgress } from "../../egress/create-egress.ts";
import {
  AWS_KEYS,
  openGcs,
  OWNER,
  POOL_FIELDS,
  SUITE_OPTIONS,
  type OpenGcs,
} from "../../testing/gcs-harness.ts";
import { gcsProvider, gcsSaProvider, gcswifProvider } from "./index.ts";

const egress = createEgress({ allow: ["loopback"], denied: [] });
const ctx = { signal: new AbortController().signal };
const PLATFORM = "platform@fake.iam.gserviceaccount.com";
const LONELY = "lonely@fake.iam.gserviceaccount.com";
const PERSON = {
  email: "person@example.com",
  clientId: "client",
  clientSecret: "client-secret",
  refreshToken: "refresh-token",
};
const OIDC_AUDIENCE =
  "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/suite-pool/providers/oidc";

let fake: GcsFake;
beforeAll(async () => {
  fake = await startGcsFake({
    ...SUITE_OPTIONS,
    accounts: [...(SUITE_OPTIONS.accounts ?? []), { email: LONELY }],
    users: [PERSON],
    machineAccount: OWNER,
    pools: [
      ...(SUITE_OPTIONS.pools ?? []),
      { name: "principalSet:suite", audience: OIDC_AUDIENCE, oidcTokens: ["an-oidc-token"] },
    ],
  });
});
afterAll(async () => {
  await egress.close();
  await fake.close();
});

function list(driver: StorageDriver): Promise<unknown> {
  return driver.listPage({ prefix: "", recursive: true, limit: 1 }, ctx);
}

function sign(driver: StorageDriver): Promise<URL> | undefined {
  return driver.presignRead?.("k", { method: "GET", ttlSeconds: 60 }, ctx);
}

async function classOf(driver: StorageDriver, call: Promise<unknown> | undefined) {
  const error: unknown = await call?.catch((thrown: unknown) => thrown);
  return driver.classifyError(error);
}

type Changes = Partial<Omit<OpenGcs, "gcp">> & { readonly gcp?: Partial<OpenGcs["gcp"]> };

function options({ gcp, ...rest }: Changes = {}): OpenGcs {
  return { egress, gcp: { endpoints: fake.endpoints, ...gcp }, ...rest };
}

describe("gcs with a key", () => {
  const open = (credentials: unknown, changes?: Changes): Promise<StorageDriver> =>
    openGcs(
      gcsProvider,
      {
        bucket: "suite",
        google_application_credentials:
          typeof credentials === "string" ? credentials : JSON.stringify(credentials),
      },
      options(changes),
    );
  const keyOf = (changes: Record<string, unknown>): Record<string, unknown> => ({
    ...(JSON.parse(fake.keyJson(OWNER)) as Record<string, unknown>),
    ...changes,
  });

  it.each([
    [
      "not json: hunter2",
      "Google Application Credentials must be valid JSON string. Expecting value: line 1 column 1 (char 0)",
    ],
    [
      "{}",
      "Service account info was not in the expected format, missing fields token_uri, client_email, private_key.",
    ],
  ])("refuses %s with the contract's sentence", async (text, message) => {
    await expect(open(text)).rejects.toMatchObject({ code: "invalid_config", message });
  });

  it("shows nothing of a text that is no JSON", async () => {
    const error: unknown = await open('{"private_key": hunter2}').catch(
      (thrown: unknown) => thrown,
    );
    expect((error as Error).message).not.toContain("hunter2");
  });

  it("refuses a user's external_account, which names files and addresses for this server to read", async () => {
    const external = {
      type: "external_account",
      credential_source: { file: "/etc/passwd" },
      token_url: `${fake.origin}/v1/token`,
    };
    await expect(open(external)).rejects.toMatchObject({
      code: "invalid_config",
      reason: "gcs.invalid_credentials",
      message: expect.stringContaining("gcswif") as string,
    });
    await expect(open({ type: "impersonated_service_account" })).rejects.toMatchObject({
      reason: "gcs.invalid_credentials",
    });
  });

  it.each([
    "https://evil.example/token",
    "http://oauth2.googleapis.com/token",
    "https://oauth2.googleapis.com.evil.example/token",
    "https://oauth2.googleapis.com:8443/token",
    "http://169.254.169.254/latest",
  ])("refuses the token_uri %s before anything is sent", async (token_uri) => {
    await expect(open(keyOf({ token_uri }))).rejects.toMatchObject({
      reason: "gcs.invalid_credentials",
      message: "The token_uri of Google Application Credentials must be an address of Google.",
    });
  });

  it("refuses what is no RSA key", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    for (const private_key of ["nonsense", pem])
      await expect(open(keyOf({ private_key }))).rejects.toMatchObject({
        reason: "gcs.invalid_credentials",
      });
  });

  it("asks for one token however many calls begin at once, and for no more than it needs", async () => {
    const before = fake.counters.token;
    const driver = await open(fake.keyJson(OWNER), { context: { direction: "source" } });
    await Promise.all(Array.from({ length: 8 }, () => list(driver)));
    expect(fake.counters.token).toBe(before + 1);
    const put = driver.put?.({ key: "x", body: new Uint8Array(1) }, ctx);
    expect(await classOf(driver, put)).toMatchObject({ code: "permission_denied" });
  });

  it("replaces a token that ended early, once", async () => {
    const driver = await open(fake.keyJson(OWNER));
    await list(driver);
    fake.revokeTokens();
    const before = fake.counters.list;
    await list(driver);
    expect(fake.counters.list).toBe(before + 2);
  });

  it("takes a person's credentials, which cannot sign", async () => {
    const driver = await open({
      type: "authorized_user",
      client_id: PERSON.clientId,
      client_secret: PERSON.clientSecret,
      refresh_token: PERSON.refreshToken,
    });
    await list(driver);
    await expect(sign(driver)).rejects.toMatchObject({
      code: "unsupported",
      reason: "gcs.cannot_sign",
    });
  });
});

describe("gcs without a key", () => {
  const open = (changes: Changes): Promise<StorageDriver> =>
    openGcs(gcsProvider, { bucket: "suite" }, options(changes));

  it("is the platform's account while one organisation exists, and for the operator's buckets", async () => {
    await list(await open({}));
    const several = { isOnlyOrganization: false };
    const deps = { ambient: { buckets: ["suite"] } };
    await list(await open({ context: several, deps }));
  });

  it("is refused for a bucket of another organisation before anything is sent", async () => {
    const before = fake.counters.metadata + fake.counters.list;
    await expect(open({ context: { isOnlyOrganization: false } })).rejects.toMatchObject({
      code: "invalid_config",
      reason: "gcs.no_credentials",
    });
    expect(fake.counters.metadata + fake.counters.list).toBe(before);
  });

  it("signs as the machine's account by IAM", async () => {
    const machine = await startGcsFake({
      buckets: ["suite"],
      accounts: [{ email: OWNER, actors: [OWNER] }],
      machineAccount: OWNER,
    });
    machine.putObject("suite", "k", "hello");
    const driver = await open({ gcp: { endpoints: machine.endpoints } });
    const url = await sign(driver);
    expect(await (await fetch(url ?? "")).text()).toBe("hello");
    expect(machine.counters.sign_blob).toBe(1);
    await machine.close();
  });

  it("says who has to act where the machine has no account", async () => {
    const nobody = await startGcsFake({ buckets: ["suite"] });
    const driver = await open({ gcp: { endpoints: nobody.endpoints } });
    expect(await classOf(driver, list(driver))).toMatchObject({
      reason: "gcs.no_platform_identity",
      hint: expect.stringContaining("GOOGLE_APPLICATION_CREDENTIALS") as string,
    });
    await nobody.close();
    const elsewhere = await open({ gcp: { endpoints: { metadata: "http://metadata.invalid" } } });
    await expect(list(elsewhere)).rejects.toMatchObject({ reason: "gcs.no_platform_identity" });
  });
});

describe("gcs_sa", () => {
  const open = (email: string | null, changes: Changes = {}): Promise<StorageDriver> =>
    openGcs(
      gcsSaProvider,
      { bucket: "suite", target_service_account_email: email },
      options({ ...changes, gcp: { credentials: new Secret(fake.keyJson(PLATFORM)) } }),
    );

  it("acts as the account by IAM and lets it sign without a key", async () => {
    const driver = await open(OWNER);
    fake.putObject("suite", "k", "hello");
    await list(driver);
    const url = await sign(driver);
    expect(decodeURIComponent(url?.href ?? "")).toContain(OWNER);
    expect(await (await fetch(url ?? "")).text()).toBe("hello");
    fake.clearBucket("suite");
  });

  it("row 2 of the guide: names iam.serviceAccounts.getAccessToken and the role that is missing", async () => {
    const driver = await open(LONELY);
    const denied = await classOf(driver, list(driver));
    expect(denied).toMatchObject({ code: "permission_denied", reason: "gcs.impersonation_denied" });
    expect(denied?.detail).toContain("iam.serviceAccounts.getAccessToken");
    expect(denied?.hint).toContain("roles/iam.serviceAccountTokenCreator");
    expect(await classOf(driver, sign(driver))).toMatchObject({
      code: "permission_denied",
      reason: "gcs.signing_denied",
      hint: expect.stringContaining("pre-signed URLs off") as string,
    });
  });

  it("row 3 of the guide: names an account that does not exist", async () => {
    const driver = await open("nobody@fake.iam.gserviceaccount.com");
    const missing = await classOf(driver, list(driver));
    expect(missing).toMatchObject({ code: "not_found", reason: "gcs.service_account_not_found" });
    expect(missing?.detail).toContain("404");
    expect(missing?.hint).toContain("check the address of the target service account");
  });

  it("rows 1 to 5 of the guide: each has its error, its cause and its remedy", () => {
    const { troubles = [] } = gcsSaProvider;
    const rows = troubles.map(({ error, cause, remedy }) => `${error}: ${cause}; ${remedy}`);
    for (const [index, words] of [
      /fflag_feat_bros_763_gcs_sa_impersonation=true/,
      /getAccessToken is denied.*serviceAccountTokenCreator/,
      /404.*check the address/,
      /storage\.buckets\.get.*Storage Legacy Bucket Reader/,
      /CORS policy.*GET and HEAD.*turn pre-signed URLs off/,
    ].entries())
      expect(rows[index]).toMatch(words);
  });

  it("is for the operator's buckets only where several organisations could name one account", async () => {
    const several = { isOnlyOrganization: false };
    await expect(open(OWNER, { context: several })).rejects.toMatchObject({
      code: "permission_denied",
      reason: "gcs.not_isolated",
    });
    await list(await open(OWNER, { context: several, deps: { ambient: { buckets: ["suite"] } } }));
  });

  it("demands an account", async () => {
    await expect(open(null)).rejects.toMatchObject({
      code: "invalid_config",
      message: "target_service_account_email must be set",
    });
  });
});

describe("gcswif", () => {
  const aws = {
    keys: {
      accessKeyId: AWS_KEYS.accessKeyId,
      secretAccessKey: new Secret(AWS_KEYS.secretAccessKey),
      sessionToken: new Secret(AWS_KEYS.sessionToken),
    },
  };
  const open = (
    fields: Record<string, unknown> = {},
    changes: Changes = {},
  ): Promise<StorageDriver> =>
    openGcs(
      gcswifProvider,
      { bucket: "suite", google_service_account_email: OWNER, ...POOL_FIELDS, ...fields },
      options({ aws, ...changes }),
    );

  it("exchanges a signed request to AWS, impersonates, and keeps both tokens", async () => {
    const before = { ...fake.counters };
    const driver = await open();
    for (let turn = 0; turn < 3; turn++) await list(driver);
    expect(fake.counters.exchange - before.exchange).toBe(1);
    expect(fake.counters.generate_token - before.generate_token).toBe(1);
  });

  it("says that the pool's condition refuses another identity", async () => {
    const strangers = await startGcsFake({
      ...SUITE_OPTIONS,
      awsCallers: [{ ...AWS_KEYS, arn: "arn:aws:sts::999999999999:assumed-role/other/x" }],
    });
    const driver = await open({}, { gcp: { endpoints: strangers.endpoints } });
    expect(await classOf(driver, list(driver))).toMatchObject({
      code: "permission_denied",
      reason: "gcs.federation_denied",
      hint: expect.stringContaining("attribute condition") as string,
    });
    await strangers.close();
  });

  it("says that no such provider exists", async () => {
    const driver = await open({ google_wif_pool_id: "other-pool" });
    expect(await classOf(driver, list(driver))).toMatchObject({
      code: "invalid_config",
      reason: "gcs.federation_invalid",
    });
  });

  it("shows a token from a file, which is read again for each exchange", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "gcswif-"));
    const file = path.join(folder, "token");
    const gcp = { subjectToken: { kind: "file", path: file } as const };
    const missing = await open({ google_wif_provider_id: "oidc" }, { gcp });
    await expect(list(missing)).rejects.toMatchObject({ reason: "gcs.subject_token" });
    writeFileSync(file, "an-oidc-token\n");
    await list(missing);
    rmSync(folder, { recursive: true });
  });

  it("shows a token from the operator's address", async () => {
    const server = await serve("an-oidc-token");
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
    const gcp = { subjectToken: { kind: "url", url } as const };
    await list(await open({ google_wif_provider_id: "oidc" }, { gcp }));
    server.close();
  });

  it("needs a session of the organisation's own where several could name one pool", async () => {
    const several = { isOnlyOrganization: false };
    await expect(open({}, { context: several })).rejects.toMatchObject({
      code: "permission_denied",
      reason: "gcs.not_isolated",
    });
    const roleArn = "arn:aws:iam::123456789012:role/wif";
    await open({}, { context: several, gcp: { subjectToken: { kind: "aws", roleArn } } });
  });

  it("refuses a user's external_account and names every field that is missing", async () => {
    const external = JSON.stringify({ type: "external_account" });
    await expect(open({ google_application_credentials: external })).rejects.toMatchObject({
      reason: "gcs.invalid_credentials",
    });
    for (const name of [...Object.keys(POOL_FIELDS), "google_service_account_email"])
      await expect(open({ [name]: "" })).rejects.toMatchObject({ message: `${name} must be set` });
  });
});

async function serve(text: string): Promise<Server> {
  const server = http.createServer((_request, response) => response.end(text));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
