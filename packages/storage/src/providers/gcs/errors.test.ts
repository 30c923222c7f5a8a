import { startGcsFake, type GcsFake, type GcsFaultKind } from "@bucketbridge/testkit/gcs-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorClass, StorageDriver } from "../../driver.ts";
import { createEgress } from "../../egress/create-egress.ts";
import { openGcs, OWNER, SUITE_OPTIONS } from "../../testing/gcs-harness.ts";
import { classifyGcsError } from "./errors.ts";
import { gcsProvider } from "./index.ts";

const egress = createEgress({ allow: ["loopback"], denied: [] });
const ctx = { signal: new AbortController().signal };
const READER = "reader@fake.iam.gserviceaccount.com";
const CREATOR = "creator@fake.iam.gserviceaccount.com";

let fake: GcsFake;
beforeAll(async () => {
  fake = await startGcsFake({
    ...SUITE_OPTIONS,
    kmsKeys: ["projects/p/locations/eu/keyRings/r/cryptoKeys/good"],
    accounts: [
      ...(SUITE_OPTIONS.accounts ?? []),
      { email: READER, allow: ["list", "get"] },
      { email: CREATOR, allow: ["create"] },
    ],
  });
});
afterAll(async () => {
  await egress.close();
  await fake.close();
});

function open(fields: Record<string, unknown> = {}, email = OWNER): Promise<StorageDriver> {
  return openGcs(
    gcsProvider,
    { bucket: "suite", google_application_credentials: fake.keyJson(email), ...fields },
    { egress, gcp: { endpoints: fake.endpoints } },
  );
}

const calls = {
  list: (driver: StorageDriver) => driver.listPage({ prefix: "", recursive: true, limit: 10 }, ctx),
  stat: (driver: StorageDriver) => driver.stat("k", ctx),
  read: (driver: StorageDriver) => driver.read({ key: "k" }, ctx),
  put: async (driver: StorageDriver) => driver.put?.({ key: "k", body: new Uint8Array(1) }, ctx),
  delete: async (driver: StorageDriver) => driver.delete?.("k", ctx),
} as const;

async function classOf(
  call: keyof typeof calls,
  driver: StorageDriver,
): Promise<ErrorClass | undefined> {
  const error: unknown = await calls[call](driver).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return driver.classifyError(error);
}

describe("refusals of Google", () => {
  it("tell a missing bucket from a missing object", async () => {
    const missingBucket = { code: "not_found", reason: "gcs.bucket_not_found" };
    const elsewhere = await open({ bucket: "nope" });
    for (const call of ["list", "stat", "read", "put", "delete"] as const)
      expect(await classOf(call, elsewhere), call).toMatchObject(missingBucket);
    const missingKey = { code: "not_found", reason: "gcs.key_not_found" };
    expect(await classOf("stat", await open())).toMatchObject(missingKey);
    expect(await classOf("read", await open())).toMatchObject(missingKey);
  });

  it("name a key that Google does not know, and an account that is disabled", async () => {
    const other = await startGcsFake({ accounts: [{ email: "x" }, { email: OWNER }] });
    const stranger = await open({ google_application_credentials: other.keyJson(OWNER) });
    await other.close();
    const invalid = { code: "unauthenticated", reason: "gcs.invalid_key" };
    expect(await classOf("list", stranger)).toMatchObject(invalid);
    const disabled = await open({}, "disabled@fake.iam.gserviceaccount.com");
    expect(await classOf("list", disabled)).toMatchObject(invalid);
  });

  it("say what a reader lacks, with the hint that names the permissions", async () => {
    const denied = await classOf("put", await open({}, READER));
    expect(denied).toMatchObject({ code: "permission_denied", reason: "gcs.access_denied" });
    expect(denied?.hint).toContain("storage.objects.create");
    expect(denied?.detail).toBe("the account is known, but may not do this (forbidden, HTTP 403)");
  });

  it("say that replacing an object needs the permission to delete", async () => {
    const creator = await open({}, CREATOR);
    await creator.put?.({ key: "once", body: new Uint8Array(1) }, ctx);
    const again = creator.put?.({ key: "once", body: new Uint8Array(2) }, ctx);
    const error: unknown = await again?.catch((thrown: unknown) => thrown);
    const denied = creator.classifyError(error);
    expect(denied).toMatchObject({ code: "permission_denied", reason: "gcs.overwrite_denied" });
    expect(denied?.hint).toContain("storage.objects.delete");
  });

  it("name an encryption key that the bucket may not use", async () => {
    const key = "projects/p/locations/eu/keyRings/r/cryptoKeys/other";
    expect(await classOf("put", await open({ google_kms_key_name: key }))).toMatchObject({
      code: "invalid_config",
      reason: "gcs.kms_key",
    });
  });

  it("tell an expired page token, which listing goes on without", async () => {
    const driver = await open();
    for (const key of ["a", "b"]) fake.putObject("suite", key, "x");
    const request = { prefix: "", recursive: true, limit: 1 };
    const { cursor } = await driver.listPage(request, ctx);
    fake.expirePageTokens();
    const next = driver.listPage({ ...request, cursor }, ctx);
    const error: unknown = await next.catch((thrown: unknown) => thrown);
    expect(driver.classifyError(error)).toMatchObject({
      code: "invalid_input",
      reason: "gcs.cursor_expired",
    });
    fake.clearBucket("suite");
  });

  it("never show a sentence of Google, which holds names of accounts and keys", async () => {
    const message = "secret-account@x does not have storage.objects.list access";
    fake.inject({ on: "list", kind: "error", status: 403, reason: "forbidden", message });
    expect(JSON.stringify(await classOf("list", await open()))).not.toContain("secret-account");
  });
});

/** Answers of storage, and of what stands in front of it. */
const ANSWERS: readonly (readonly [
  status: number,
  reason: string,
  code: string,
  ours: string | undefined,
  message?: string,
])[] = [
  [400, "invalid", "invalid_input", "gcs.bad_request"],
  [400, "invalid", "invalid_config", "gcs.kms_key", "Permission denied on Cloud KMS key."],
  [401, "authError", "unauthenticated", "gcs.expired_token"],
  [403, "forbidden", "permission_denied", "gcs.access_denied"],
  [403, "accountDisabled", "permission_denied", "gcs.billing"],
  [403, "rateLimitExceeded", "rate_limited", "gcs.rate_limited"],
  [403, "userRateLimitExceeded", "rate_limited", "gcs.rate_limited"],
  [
    403,
    "forbidden",
    "permission_denied",
    "gcs.buckets_get_denied",
    "a@b does not have storage.buckets.get access to the Google Cloud Storage bucket.",
  ],
  [404, "notFound", "not_found", "gcs.key_not_found"],
  [404, "notFound", "not_found", "gcs.bucket_not_found", "The specified bucket does not exist."],
  [408, "uploadBrokenConnection", "unavailable", "gcs.connection_lost"],
  [409, "conflict", "conflict", undefined],
  [410, "gone", "unavailable", "gcs.unavailable"],
  [412, "conditionNotMet", "precondition_failed", undefined],
  [416, "requestedRangeNotSatisfiable", "invalid_input", "gcs.invalid_range"],
  [429, "rateLimitExceeded", "rate_limited", "gcs.rate_limited"],
  [429, "other", "rate_limited", "gcs.rate_limited"],
  [500, "backendError", "unavailable", "gcs.unavailable"],
  [501, "notImplemented", "unsupported", undefined],
  [502, "badGateway", "unavailable", "gcs.unavailable"],
  [503, "backendError", "unavailable", "gcs.unavailable"],
  [504, "gatewayTimeout", "unavailable", "gcs.unavailable"],
];

describe("answers of storage", () => {
  for (const [status, reason, code, ours, message] of ANSWERS) {
    it(`${String(status)} ${reason} is ${ours ?? code}`, async () => {
      // A 401 is asked again with another token.
      const fault = fake.inject({ on: "get", times: 2, kind: "error", status, reason, message });
      const found = await classOf("stat", await open());
      fault.remove();
      expect(found).toMatchObject({ code, ...(ours === undefined ? {} : { reason: ours }) });
    });
  }

  it("carry the delay that the store asks for", async () => {
    const headers = { "retry-after": "7" };
    fake.inject({ on: "list", kind: "error", status: 429, headers });
    expect(await classOf("list", await open())).toMatchObject({ retryAfterMs: 7_000 });
    const date = { "retry-after": new Date(Date.now() + 60_000).toUTCString() };
    fake.inject({ on: "list", kind: "error", status: 503, headers: date });
    const { retryAfterMs = 0 } = (await classOf("list", await open())) ?? {};
    expect(retryAfterMs).toBeGreaterThan(50_000);
  });

  it("are malformed where a web page comes instead", async () => {
    fake.inject({ on: "list", kind: "body", body: "<html>login</html>" });
    await expect(calls.list(await open())).rejects.toMatchObject({
      code: "unavailable",
      reason: "gcs.malformed_answer",
    });
  });
});

describe("connections", () => {
  it.each<[string, GcsFaultKind, string, string]>([
    ["a reset", { kind: "reset" }, "unavailable", "gcs.connection_lost"],
    ["a cut answer", { kind: "cut", afterBytes: 3 }, "unavailable", "gcs.connection_lost"],
  ])("%s is %s", async (_case, kind, code, reason) => {
    fake.putObject("suite", "k", "0123456789");
    fake.inject({ on: "get", ...kind });
    expect(await classOf("stat", await open())).toMatchObject({ code, reason });
  });

  it("that nobody takes are unreachable", async () => {
    const gone = await startGcsFake();
    await gone.close();
    const driver = await openGcs(
      gcsProvider,
      { bucket: "suite", google_application_credentials: fake.keyJson(OWNER) },
      { egress, gcp: { endpoints: { ...fake.endpoints, storage: gone.origin } } },
    );
    expect(await classOf("list", driver)).toMatchObject({
      code: "unavailable",
      reason: "gcs.unreachable",
    });
  });

  it.each([
    ["UND_ERR_HEADERS_TIMEOUT", "timeout"],
    ["UND_ERR_CONNECT_TIMEOUT", "timeout"],
    ["ETIMEDOUT", "timeout"],
    ["ENOTFOUND", "unavailable"],
    ["CERT_HAS_EXPIRED", "invalid_config"],
    ["HPE_INVALID_CONSTANT", "unavailable"],
    ["EPIPE", "unavailable"],
  ])("with %s are %s", (networkCode, code) => {
    const error = Object.assign(new TypeError("fetch failed"), { code: networkCode });
    expect(classifyGcsError(error)).toMatchObject({ code });
    expect(classifyGcsError(new TypeError("wrapped", { cause: error }))).toMatchObject({ code });
  });

  it("that the caller ends are canceled", async () => {
    fake.inject({ on: "list", kind: "silent" });
    const controller = new AbortController();
    const driver = await open();
    const listing = driver.listPage(
      { prefix: "", recursive: true, limit: 1 },
      { signal: controller.signal },
    );
    await expect.poll(() => fake.counters.list > 0).toBe(true);
    controller.abort();
    const error: unknown = await listing.catch((thrown: unknown) => thrown);
    expect(driver.classifyError(error)).toMatchObject({ code: "canceled" });
  });

  it("leave errors that are none of Google's to others", () => {
    for (const error of [
      new Error("x"),
      "text",
      undefined,
      Object.assign(new Error("y"), { code: "X" }),
    ])
      expect(classifyGcsError(error)).toBeUndefined();
  });
});
