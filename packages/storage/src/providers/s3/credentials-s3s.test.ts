import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Secret } from "@bucketbridge/core";
import { startS3Fake, type S3Fake } from "@bucketbridge/testkit/s3-fake";
import { startStsFake, type StsFake, type StsPrincipal } from "@bucketbridge/testkit/sts-fake";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEgress } from "../../egress/create-egress.ts";
import type { Egress } from "../../egress/egress.ts";
import { createPlatformEgress } from "../../egress/platform-egress.ts";
import { ObjectStore } from "../../object-store.ts";
import { makeProviderDeps, makeStorageContext } from "../../testing/provider-deps.ts";
import type { AwsPlatform, ProviderDeps, StorageContext } from "../provider-deps.ts";
import { s3sProvider } from "./index.ts";

const ctx = { signal: new AbortController().signal };
const ROLE = "arn:aws:iam::123456789012:role/importer";
const FORMER_ROLE = "arn:aws:iam::999999999999:role/former";
const PLATFORM: StsPrincipal = {
  arn: "arn:aws:iam::999999999999:user/bucketbridge",
  accessKeyId: "AKIAPLATFORM",
  secretAccessKey: "platform-secret",
};
const FORMER: StsPrincipal = {
  arn: "arn:aws:iam::999999999999:user/former",
  accessKeyId: "AKIAFORMER",
  secretAccessKey: "former-secret",
};
const EXTERNAL_ID = "org-external-id";

const toKeys = ({ accessKeyId, secretAccessKey }: StsPrincipal) => ({
  accessKeyId,
  secretAccessKey: new Secret(secretAccessKey),
  sessionToken: undefined,
});

let sts: StsFake;
let s3: S3Fake;
let egress: Egress;
let nowMs = 0;

beforeEach(async () => {
  nowMs = Date.now();
  s3 = await startS3Fake({ buckets: ["cats", "dogs"], accessKeys: [], now: () => nowMs });
  sts = await startStsFake({
    principals: [PLATFORM, FORMER],
    roles: [
      { arn: ROLE, trusts: [PLATFORM.arn], externalId: EXTERNAL_ID },
      { arn: FORMER_ROLE, trusts: [FORMER.arn], externalId: EXTERNAL_ID },
    ],
    onSession: (key) => {
      s3.addAccessKey(key);
    },
    now: () => nowMs,
  });
  for (const key of ["in/a.jpg", "in/b.jpg", "out/c.jpg"]) s3.putObject("cats", key, key);
  egress = createEgress({ allow: ["loopback"], denied: [] });
});
afterEach(async () => {
  await Promise.all([sts.close(), s3.close(), egress.close()]);
});

function installation(aws: AwsPlatform = { keys: toKeys(PLATFORM) }): ProviderDeps {
  const platformEgress = createPlatformEgress({ hosts: [sts.endpoint], denied: [] });
  const platform = {
    egress: platformEgress,
    aws: { stsEndpoint: sts.endpoint, ...aws },
    gcp: {},
    azure: {},
  };
  return makeProviderDeps(egress, { platform });
}

interface Opening {
  readonly fields?: Record<string, unknown>;
  readonly deps?: ProviderDeps;
  readonly context?: Partial<StorageContext>;
}

async function open({ fields = {}, deps = installation(), context = {} }: Opening = {}) {
  const settings = s3sProvider.settings.parse({
    bucket: "cats",
    s3_endpoint: s3.endpoint,
    role_arn: ROLE,
    ...fields,
  });
  const driver = await s3sProvider.open(settings, deps, makeStorageContext(context));
  return new ObjectStore(driver, { provider: "s3s", place: "s3://cats" });
}

async function listKeys(store: ObjectStore, prefix = ""): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const page of store.pages({ prefix }, ctx)) keys.push(...page.keys);
  return keys;
}

describe("the session of s3s", () => {
  it("is assumed with the organisation's external id, a name of the storage and fifteen minutes", async () => {
    const store = await open({ context: { organizationId: 7, storageId: 42 } });
    expect(await listKeys(store)).toHaveLength(3);
    expect(sts.calls).toHaveLength(1);
    expect(sts.calls[0]).toMatchObject({
      Action: "AssumeRole",
      RoleArn: ROLE,
      RoleSessionName: "bucketbridge-7-42",
      ExternalId: EXTERNAL_ID,
      DurationSeconds: "900",
    });
  });

  it("sees nothing outside of the storage's bucket and prefix, although the role may", async () => {
    const store = await open({ context: { prefix: "in/" } });
    expect(await listKeys(store, "in/")).toEqual(["in/a.jpg", "in/b.jpg"]);
    await expect(listKeys(store)).rejects.toMatchObject({ code: "permission_denied" });
    await expect(store.read("out/c.jpg", {}, ctx)).rejects.toMatchObject({
      code: "permission_denied",
    });
  });

  it("reads for a source, and writes and deletes for a target alone", async () => {
    const body = new TextEncoder().encode("x");
    const source = await open({ context: { prefix: "in/" } });
    await expect(source.put({ key: "in/d", body }, ctx)).rejects.toMatchObject({
      code: "permission_denied",
    });
    const target = await open({ context: { prefix: "in/", direction: "target" } });
    await target.put({ key: "in/d", body }, ctx);
    await target.delete("in/d", ctx);
    await expect(target.put({ key: "out/d", body }, ctx)).rejects.toMatchObject({
      code: "permission_denied",
    });
  });

  it("is shared by all that open the storage, and not with another storage or organisation", async () => {
    const deps = installation();
    await Promise.all([open({ deps }), open({ deps })].map(async (one) => listKeys(await one)));
    expect(sts.calls).toHaveLength(1);
    await listKeys(await open({ deps, context: { storageId: 2 } }));
    await listKeys(await open({ deps, context: { organizationId: 2 } }));
    expect(sts.calls).toHaveLength(3);
  });

  it("signs URLs that die with it", async () => {
    const store = await open();
    const url = await store.presignRead("in/a.jpg", { method: "GET", ttlSeconds: 86_400 }, ctx);
    const life = Number(url.searchParams.get("X-Amz-Expires"));
    expect(life).toBeGreaterThan(890);
    expect(life).toBeLessThanOrEqual(900);
    expect((await fetch(url)).status).toBe(200);
    nowMs += 901_000;
    expect((await fetch(url)).status).not.toBe(200);
  });
});

describe("the external id of s3s", () => {
  it("may be named when it is the organisation's", async () => {
    const store = await open({ fields: { external_id: EXTERNAL_ID } });
    expect(await listKeys(store)).toHaveLength(3);
  });

  it("cannot be chosen, and nothing is asked with another one", async () => {
    await expect(open({ fields: { external_id: "somebody-else" } })).rejects.toMatchObject({
      code: "invalid_config",
      reason: "s3s.external_id",
    });
    expect(sts.calls).toEqual([]);
  });

  it("of another organisation does not open the role", async () => {
    const store = await open({ context: { organizationExternalId: "another-organisation" } });
    await expect(listKeys(store)).rejects.toMatchObject({ reason: "s3s.role_refused" });
  });

  it("is missed in a trust policy that does not demand it", async () => {
    const deps = installation();
    const settings = s3sProvider.settings.parse({ bucket: "cats", role_arn: ROLE });
    const context = makeStorageContext();
    const find = () => s3sProvider.findWarnings?.(settings, deps, context, ctx.signal);
    expect(await find()).toEqual([]);
    sts.roles.splice(0, 1, { arn: ROLE });
    expect(await find()).toEqual([
      expect.objectContaining({ code: "s3s.external_id_not_required" }),
    ]);
  });
});

describe("whose keys assume the role", () => {
  it("are those of the platform's former principal with legacy_auth", async () => {
    const fields = { role_arn: FORMER_ROLE, legacy_auth: true };
    const aws = { keys: toKeys(PLATFORM), formerKeys: toKeys(FORMER) };
    expect(await listKeys(await open({ fields, deps: installation(aws) }))).toHaveLength(3);
    await expect(open({ fields })).rejects.toMatchObject({
      code: "invalid_config",
      reason: "s3s.no_former_principal",
    });
  });

  it("may be a former role that the current principal assumes first", async () => {
    const between = "arn:aws:iam::999999999999:role/between";
    sts.roles.push(
      { arn: between, trusts: [PLATFORM.arn] },
      {
        arn: "arn:aws:iam::1:role/customer",
        trusts: ["arn:aws:sts::999999999999:assumed-role/between/bucketbridge"],
      },
    );
    const fields = { role_arn: "arn:aws:iam::1:role/customer", legacy_auth: true };
    const aws = { keys: toKeys(PLATFORM), formerRoleArn: between };
    expect(await listKeys(await open({ fields, deps: installation(aws) }))).toHaveLength(3);
    expect(sts.calls.map((call) => call["RoleArn"])).toEqual([between, fields.role_arn]);
  });

  it("may come by web identity, whose token is read again for each session", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "web-identity-"));
    const tokenFile = path.join(folder, "token");
    await writeFile(tokenFile, "pod-token\n");
    const pod = "arn:aws:iam::999999999999:role/pod";
    const session = "arn:aws:sts::999999999999:assumed-role/pod/bucketbridge";
    sts.roles.push({ arn: pod, webIdentityTokens: ["pod-token"] });
    sts.roles.splice(0, 1, { arn: ROLE, trusts: [session], externalId: EXTERNAL_ID });
    const webIdentity = { roleArn: pod, tokenFile, sessionName: "bucketbridge" };
    expect(await listKeys(await open({ deps: installation({ webIdentity }) }))).toHaveLength(3);
    await writeFile(tokenFile, "stale");
    await expect(
      listKeys(await open({ deps: installation({ webIdentity }) })),
    ).rejects.toMatchObject({ reason: "s3s.web_identity" });
    await rm(folder, { recursive: true });
  });

  it("do not exist on an installation without a principal, which says so", async () => {
    await expect(listKeys(await open({ deps: installation({}) }))).rejects.toMatchObject({
      code: "invalid_config",
      reason: "s3s.no_platform_identity",
    });
  });

  it("never reach the user's endpoint: it gets the session alone", async () => {
    const seen: string[] = [];
    const store = await open();
    await listKeys(store);
    const url = await store.presignRead("in/a.jpg", { method: "GET", ttlSeconds: 60 }, ctx);
    seen.push(url.searchParams.get("X-Amz-Credential") ?? "");
    expect(seen[0]).toMatch(/^ASIA/);
    // The store knows no key but those of sessions: a request with the platform's would have been refused.
    expect(s3.accessKeys.map((key) => key.accessKeyId)).not.toContain("AKIAPLATFORM");
  });

  it("never sends a call of STS to the user's endpoint, not even where STS is not named", async () => {
    const store = await open({
      deps: installation({ keys: toKeys(PLATFORM), stsEndpoint: s3.endpoint }),
    });
    await expect(listKeys(store)).rejects.toMatchObject({ reason: "egress.platform_host" });
  });
});

describe("what people read when STS refuses", () => {
  it("names principal and external id for the trust policy", async () => {
    sts.roles.splice(0, 1);
    const error: unknown = await listKeys(await open()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unauthenticated", reason: "s3s.role_refused" });
    expect(String(error)).toContain(PLATFORM.arn);
    expect(String(error)).toContain(EXTERNAL_ID);
    expect(String(error)).not.toContain("platform-secret");
  });

  it.each([
    [403, "InvalidClientTokenId", "invalid_config", "s3s.platform_credentials"],
    [403, "ExpiredToken", "invalid_config", "s3s.platform_credentials"],
    [400, "PackedPolicyTooLarge", "invalid_config", "s3s.session_policy"],
    [400, "MalformedPolicyDocument", "invalid_config", "s3s.session_policy"],
    [404, "NoSuchEntity", "invalid_config", "s3s.role_not_found"],
    [403, "RegionDisabledException", "invalid_config", "s3s.region_disabled"],
    [400, "ValidationError", "invalid_config", "s3s.invalid_request"],
    [403, "AccessDenied", "unauthenticated", "s3s.role_refused"],
  ])("calls %i %s %s with %s", async (status, code, expected, reason) => {
    sts.failNext(status, code);
    await expect(listKeys(await open())).rejects.toMatchObject({ code: expected, reason });
  });

  it("speaks of the storage's own key pair where that is refused, not of the installation's", async () => {
    const fields = { aws_access_key_id: "AKIAUNKNOWN", aws_secret_access_key: "wrong" };
    const error: unknown = await listKeys(await open({ fields })).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "unauthenticated", reason: "s3.invalid_access_key" });
    expect(String(error)).toContain("the access key of this storage");
  });

  it.each([
    [400, "Throttling", "rate_limited"],
    [503, "ServiceUnavailable", "unavailable"],
  ])("calls %i %s %s, so that the work is tried again", async (status, code, expected) => {
    sts.failNext(status, code);
    sts.failNext(status, code);
    await expect(listKeys(await open())).rejects.toMatchObject({
      code: expected,
      reason: "s3s.sts",
    });
  });
});
