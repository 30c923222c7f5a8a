import { startS3Fake, type S3Fake, type S3FaultKind } from "@bucketbridge/testkit/s3-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorClass, StorageDriver } from "../../driver.ts";
import { createEgress } from "../../egress/create-egress.ts";
import { openS3 } from "../../testing/s3-harness.ts";
import { classifyS3Error } from "./errors.ts";

const egress = createEgress({ allow: ["loopback"], denied: [] });
const ctx = { signal: new AbortController().signal };
const OWNER = { accessKeyId: "AKIAOWNER", secretAccessKey: "owner" };
const SESSION = { accessKeyId: "ASIASESSION", secretAccessKey: "session", sessionToken: "token" };
const OVER = {
  accessKeyId: "ASIAOVER",
  secretAccessKey: "over",
  sessionToken: "token",
  expired: true,
};
const NOBODY = { accessKeyId: "AKIANOBODY", secretAccessKey: "nobody", allow: [] };

let fake: S3Fake;
beforeAll(async () => {
  fake = await startS3Fake({ buckets: ["box"], accessKeys: [OWNER, SESSION, OVER, NOBODY] });
});
afterAll(async () => {
  await egress.close();
  await fake.close();
});

type Key = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
};

function open(fields: Record<string, unknown> = {}, key: Key = OWNER): Promise<StorageDriver> {
  return openS3(
    {
      bucket: "box",
      s3_endpoint: fake.endpoint,
      aws_access_key_id: key.accessKeyId,
      aws_secret_access_key: key.secretAccessKey,
      aws_session_token: key.sessionToken ?? null,
      ...fields,
    },
    egress,
  );
}

const calls: Record<string, (driver: StorageDriver) => Promise<unknown>> = {
  list: (driver) => driver.listPage({ prefix: "", recursive: true, limit: 10 }, ctx),
  stat: (driver) => driver.stat("k", ctx),
  read: (driver) => driver.read({ key: "k" }, ctx),
  put: async (driver) => driver.put?.({ key: "k", body: new Uint8Array(1) }, ctx),
};

async function classOf(
  call: keyof typeof calls,
  driver: StorageDriver,
): Promise<ErrorClass | undefined> {
  const error: unknown = await calls[call]?.(driver).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return driver.classifyError(error);
}

describe("refusals of the store", () => {
  it.each([
    [
      "an unknown key",
      { accessKeyId: "AKIAUNKNOWN", secretAccessKey: "x" },
      "unauthenticated",
      "s3.invalid_access_key",
    ],
    [
      "a wrong secret",
      { ...OWNER, secretAccessKey: "x" },
      "unauthenticated",
      "s3.signature_mismatch",
    ],
    ["a wrong token", { ...SESSION, sessionToken: "x" }, "unauthenticated", "s3.invalid_token"],
    ["an expired session", OVER, "unauthenticated", "s3.expired_token"],
    ["no permission", NOBODY, "permission_denied", "s3.access_denied"],
  ])("name %s", async (_case, key, code, reason) => {
    for (const call of ["list", "read", "put"]) {
      expect(await classOf(call, await open({}, key)), call).toMatchObject({ code, reason });
    }
  });

  it("tell a missing bucket from a missing object", async () => {
    const bucketless = await open({ bucket: "nope" });
    const missingBucket = { code: "not_found", reason: "s3.bucket_not_found" };
    expect(await classOf("list", bucketless)).toMatchObject(missingBucket);
    expect(await classOf("read", bucketless)).toMatchObject(missingBucket);
    const missingKey = { code: "not_found", reason: "s3.key_not_found" };
    expect(await classOf("read", await open())).toMatchObject(missingKey);
    expect(await classOf("stat", await open())).toMatchObject(missingKey);
  });

  it("show S3's code and status, never its message", async () => {
    fake.inject({ on: "list", kind: "error", status: 403, code: "AccessDenied" });
    const { detail = "", hint = "" } = (await classOf("list", await open())) ?? {};
    expect(detail).toBe("the credentials are known, but may not do this (AccessDenied, HTTP 403)");
    expect(hint).toContain("s3:ListBucket");
  });
});

/** Answers that S3, other stores and proxies give, by status and code. */
const ANSWERS: readonly (readonly [
  status: number,
  s3Code: string,
  code: string,
  reason: string | undefined,
])[] = [
  [400, "ExpiredToken", "unauthenticated", "s3.expired_token"],
  [400, "InvalidBucketName", "invalid_config", "s3.invalid_bucket_name"],
  [400, "RequestTimeout", "unavailable", "s3.unavailable"],
  [400, "KeyTooLongError", "invalid_input", "s3.invalid_key"],
  [400, "XMinioInvalidObjectName", "invalid_input", "s3.invalid_key"],
  [400, "KMS.NotFoundException", "invalid_config", "s3.kms_key"],
  [400, "SomethingNew", "invalid_input", "s3.bad_request"],
  [401, "Unauthorized", "unauthenticated", "s3.unauthenticated"],
  [403, "InvalidObjectState", "unsupported", "s3.archived"],
  [403, "RequestTimeTooSkewed", "unauthenticated", "s3.clock_skew"],
  [403, "AllAccessDisabled", "permission_denied", "s3.access_denied"],
  [403, "Forbidden", "permission_denied", "s3.access_denied"],
  [404, "NoSuchBucket", "not_found", "s3.bucket_not_found"],
  [404, "NoSuchVersion", "not_found", "s3.key_not_found"],
  [405, "MethodNotAllowed", "unsupported", undefined],
  [408, "Timeout", "unavailable", "s3.unavailable"],
  [409, "ConditionalRequestConflict", "conflict", undefined],
  [409, "OperationAborted", "conflict", undefined],
  [412, "PreconditionFailed", "precondition_failed", undefined],
  [416, "InvalidRange", "invalid_input", "s3.invalid_range"],
  [429, "TooManyRequests", "rate_limited", "s3.slow_down"],
  [500, "InternalError", "unavailable", "s3.unavailable"],
  [502, "BadGateway", "unavailable", "s3.unavailable"],
  [503, "SlowDown", "rate_limited", "s3.slow_down"],
  [503, "ServiceUnavailable", "unavailable", "s3.unavailable"],
  [504, "GatewayTimeout", "unavailable", "s3.unavailable"],
  [507, "XMinioStorageFull", "unavailable", "s3.storage_full"],
  [400, "XMinioAdminBucketQuotaExceeded", "unavailable", "s3.storage_full"],
  [403, "QuotaExceeded", "unavailable", "s3.storage_full"],
];

describe("classifyS3Error", () => {
  it.each(ANSWERS)("maps HTTP %i %s to %s", async (status, s3Code, code, reason) => {
    fake.inject({ on: "get", kind: "error", status, code: s3Code });
    const known = await classOf("read", await open());
    expect(known).toMatchObject({ code });
    expect(known?.reason).toBe(reason);
    expect(known?.detail).toContain(`${s3Code}, HTTP ${String(status)}`);
  });

  it.each([
    [403, "permission_denied"],
    [404, "not_found"],
    [412, "precondition_failed"],
    [429, "rate_limited"],
    [500, "unavailable"],
    [503, "unavailable"],
  ])("maps the bare status %i of a HEAD to %s", async (status, code) => {
    fake.inject({ on: "head", kind: "error", status, code: "NeverSeen" });
    expect(await classOf("stat", await open())).toMatchObject({ code });
  });

  it.each([
    [503, "SlowDown", "2", 2_000],
    [429, "TooManyRequests", "30", 30_000],
    [503, "ServiceUnavailable", "0", 0],
  ])("passes on Retry-After of %i %s", async (status, code, header, retryAfterMs) => {
    fake.inject({ on: "list", kind: "error", status, code, headers: { "retry-after": header } });
    expect(await classOf("list", await open())).toMatchObject({ retryAfterMs });
  });

  it("understands Retry-After as a date", async () => {
    const date = new Date(Date.now() + 60_000).toUTCString();
    fake.inject({
      on: "list",
      kind: "error",
      status: 429,
      code: "X",
      headers: { "retry-after": date },
    });
    const { retryAfterMs = 0 } = (await classOf("list", await open())) ?? {};
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it("calls a connection that breaks unavailable, and hides nothing as the end of a listing", async () => {
    const faults: readonly S3FaultKind[] = [
      { kind: "reset" },
      { kind: "cut", afterBytes: 0 },
      { kind: "cut", afterBytes: 100 },
      { kind: "error_in_200", code: "InternalError" },
    ];
    for (const fault of faults) {
      fake.inject({ on: "list", ...fault });
      expect(await classOf("list", await open()), JSON.stringify(fault)).toMatchObject({
        code: "unavailable",
      });
    }
  });

  it.each([
    ["http://127.0.0.1:1", "unavailable", "s3.unreachable"],
    ["https", "invalid_config", "s3.protocol"],
  ])("explains the endpoint %s", async (endpoint, code, reason) => {
    const s3_endpoint = endpoint === "https" ? fake.endpoint.replace("http:", "https:") : endpoint;
    expect(await classOf("list", await open({ s3_endpoint }))).toMatchObject({ code, reason });
  });

  it.each([
    ["CERT_HAS_EXPIRED", "invalid_config", "s3.certificate"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "invalid_config", "s3.certificate"],
    ["ENOTFOUND", "invalid_input", "s3.unresolvable"],
    ["EAI_AGAIN", "unavailable", "s3.unresolvable"],
    ["EHOSTUNREACH", "unavailable", "s3.unreachable"],
    ["ETIMEDOUT", "timeout", "s3.timeout"],
    ["EPIPE", "unavailable", "s3.connection_lost"],
    ["HPE_INVALID_CONSTANT", "invalid_config", "s3.protocol"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "invalid_config", "s3.protocol"],
    ["ERR_INVALID_CHAR", "invalid_config", "s3.invalid_credentials"],
  ])("maps the network's %s to %s", (networkCode, code, reason) => {
    const error = Object.assign(new TypeError("secret text"), { code: networkCode, $metadata: {} });
    expect(classifyS3Error(error)).toMatchObject({ code, reason });
    expect(JSON.stringify(classifyS3Error(error))).not.toContain("secret text");
  });

  it("knows aborts and timeouts by the names that the SDK gives them", () => {
    expect(classifyS3Error(Object.assign(new TypeError("x"), { name: "AbortError" }))?.code).toBe(
      "canceled",
    );
    expect(classifyS3Error(Object.assign(new TypeError("x"), { name: "TimeoutError" }))?.code).toBe(
      "timeout",
    );
  });

  it("shows nothing that a hostile endpoint puts into its code", async () => {
    fake.inject({ on: "get", kind: "error", status: 418, code: "&lt;script&gt; AKIAOWNER" });
    const known = await classOf("read", await open());
    expect(known).toMatchObject({ code: "invalid_input", reason: "s3.bad_request" });
    expect(JSON.stringify(known)).not.toMatch(/script|AKIA/);
  });
});

it.each(["constructor", "toString", "valueOf", "__proto__", "hasOwnProperty"])(
  "an endpoint that calls its error %s is answered like one that says nothing",
  (Code) => {
    const toError = (fields: object): Error =>
      Object.assign(new TypeError("x"), { $metadata: { httpStatusCode: 403 } }, fields);
    const expected = classifyS3Error(toError({}));
    expect(classifyS3Error(toError({ Code }))).toMatchObject({
      code: expected?.code,
      reason: expected?.reason,
    });
    expect(classifyS3Error(Object.assign(new TypeError("x"), { code: Code }))).toBeUndefined();
  },
);
