import type { AzureFaultKind } from "@bucketbridge/testkit/azure-fake";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ErrorClass, StorageDriver } from "../../driver.ts";
import {
  EXPIRED_SECRET,
  KEYLESS_ACCOUNT,
  startAzureStand,
  toAppFields,
  toKeyFields,
  WRONG_KEY,
  type AzureStand,
} from "../../testing/azure-fake-harness.ts";
import { classifyAzureError, classifySignIn } from "./errors.ts";

const ctx = { signal: new AbortController().signal };

let keys: AzureStand;
let tokens: AzureStand;
beforeAll(async () => {
  keys = await startAzureStand("azure");
  tokens = await startAzureStand("azure_spi");
  for (const { fake } of [keys, tokens]) fake.putBlob("suite", "k", "0123456789");
});
afterEach(() => {
  keys.fake.clearFaults();
});
afterAll(async () => {
  await keys.close();
  await tokens.close();
});

const calls = {
  list: (driver: StorageDriver) => driver.listPage({ prefix: "", recursive: true, limit: 10 }, ctx),
  stat: (driver: StorageDriver) => driver.stat("k", ctx),
  read: async (driver: StorageDriver) => {
    const { body } = await driver.read({ key: "k" }, ctx);
    for await (const chunk of body) expect(chunk.byteLength).toBeGreaterThan(0);
  },
  put: async (driver: StorageDriver) => driver.put?.({ key: "k", body: new Uint8Array(1) }, ctx),
  delete: async (driver: StorageDriver) => driver.delete?.("k", ctx),
  sign: async (driver: StorageDriver) =>
    driver.presignRead?.("k", { method: "GET", ttlSeconds: 60 }, ctx),
};

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

describe("refusals of credentials", () => {
  it.each([
    ["a wrong key", { account_key: WRONG_KEY }, "unauthenticated", "azure.authentication_failed"],
    ["keys turned off", toKeyFields(KEYLESS_ACCOUNT), "permission_denied", "azure.keys_disabled"],
    ["no such container", { container: "nothing-here" }, "not_found", "azure.container_not_found"],
  ])("tells %s", async (_what, fields, code, reason) => {
    const driver = await keys.open(fields);
    for (const call of ["list", "stat", "read", "put"] as const) {
      expect(await classOf(call, driver), call).toMatchObject({ code, reason });
    }
  });

  it.each([
    ["a wrong secret", { client_secret: "x" }, "unauthenticated", "azure.secret_wrong"],
    [
      "a secret that is over",
      { client_secret: EXPIRED_SECRET },
      "unauthenticated",
      "azure.secret_expired",
    ],
    ["an unknown app", { client_id: "99999999-9999" }, "unauthenticated", "azure.client_unknown"],
    [
      "an unknown directory",
      { tenant_id: "nobody.example" },
      "unauthenticated",
      "azure.tenant_unknown",
    ],
    ["an app without a role", toAppFields("nobody"), "permission_denied", "azure.role_missing"],
    ["no such container", { container: "nothing-here" }, "not_found", "azure.container_not_found"],
  ])("tells %s of a service principal", async (_what, fields, code, reason) => {
    const driver = await tokens.open(fields);
    for (const call of ["list", "read", "put"] as const) {
      expect(await classOf(call, driver), call).toMatchObject({ code, reason });
    }
  });

  it("asks for the role that signing needs", async () => {
    const known = await classOf("sign", await tokens.open(toAppFields("lister")));
    expect(known).toMatchObject({ code: "permission_denied", reason: "azure.role_missing" });
    expect(known?.hint).toContain("Storage Blob Delegator");
  });

  it("tells a token that is over", async () => {
    const later = await startAzureStand("azure_spi", { now: () => Date.now() + 7_200_000 });
    const known = await classOf("list", await later.open());
    await later.close();
    expect(known).toMatchObject({ code: "unauthenticated", reason: "azure.token_refused" });
  });

  it("tells a login host that does not answer", async () => {
    const gone = await startAzureStand("azure_spi");
    await gone.entra?.close();
    const known = await classOf("list", await gone.open());
    await gone.close();
    expect(known).toMatchObject({ code: "unavailable", reason: "azure.unreachable" });
  });
});

describe("answers of the store", () => {
  const error = (
    status: number,
    code: string,
    headers?: Record<string, string>,
  ): AzureFaultKind => ({
    kind: "error",
    status,
    code,
    headers,
  });

  it.each([
    [error(401, "NoAuthenticationInformation"), "unauthenticated", "azure.authentication_failed"],
    [error(401, "Other"), "unauthenticated", "azure.token_refused"],
    [error(403, "AuthenticationFailed"), "unauthenticated", "azure.authentication_failed"],
    [error(403, "AuthorizationFailure"), "permission_denied", "azure.not_authorized"],
    [error(403, "AuthorizationPermissionMismatch"), "permission_denied", "azure.role_missing"],
    [error(403, "Other"), "permission_denied", "azure.role_missing"],
    [error(403, "AccountIsDisabled"), "permission_denied", "azure.account_disabled"],
    [error(404, "ContainerNotFound"), "not_found", "azure.container_not_found"],
    [error(404, "BlobNotFound"), "not_found", "azure.blob_not_found"],
    [error(409, "ContainerBeingDeleted"), "not_found", "azure.container_not_found"],
    [error(409, "BlobArchived"), "unsupported", "azure.archived"],
    [error(409, "BlobImmutableDueToPolicy"), "permission_denied", "azure.immutable"],
    [error(409, "SnapshotsPresent"), "unsupported", "azure.snapshots_present"],
    [error(409, "InvalidBlobType"), "unsupported", "azure.blob_type"],
    [error(409, "Other"), "conflict", undefined],
    [error(412, "LeaseIdMissing"), "conflict", "azure.leased"],
    [error(412, "ConditionNotMet"), "precondition_failed", undefined],
    [error(416, "InvalidRange"), "invalid_input", "azure.invalid_range"],
    [error(429, "TooManyRequests"), "rate_limited", "azure.server_busy"],
    [error(500, "InternalError"), "unavailable", "azure.unavailable"],
    [error(500, "OperationTimedOut"), "unavailable", "azure.unavailable"],
    [error(502, "Other"), "unavailable", "azure.unavailable"],
    [error(503, "ServerBusy"), "rate_limited", "azure.server_busy"],
    [{ kind: "reset" } as const, "unavailable", "azure.connection_lost"],
  ])("classifies %j", async (fault, code, reason) => {
    const driver = await keys.open();
    for (const [call, on] of [
      ["stat", "head"],
      ["read", "get"],
      ["put", "put"],
      ["delete", "delete"],
    ] as const) {
      keys.fake.inject({ ...fault, on });
      const isGone = call === "delete" && "code" in fault && fault.code === "BlobNotFound";
      const known = await classOf(call, driver);
      if (isGone) expect(known).toBeUndefined();
      else expect(known, call).toMatchObject({ code, ...(reason === undefined ? {} : { reason }) });
      expect(known?.detail ?? "").not.toContain("Message");
      keys.fake.clearFaults();
    }
  });

  it("keeps to what Retry-After says", async () => {
    const driver = await keys.open();
    keys.fake.inject({ ...error(503, "ServerBusy", { "retry-after": "7" }), on: "list" });
    expect(await classOf("list", driver)).toMatchObject({
      code: "rate_limited",
      retryAfterMs: 7_000,
    });
    const date = new Date(Date.now() + 60_000).toUTCString();
    keys.fake.inject({ ...error(429, "TooManyRequests", { "retry-after": date }), on: "head" });
    expect((await classOf("stat", driver))?.retryAfterMs).toBeGreaterThan(50_000);
  });

  it("tells a marker that the store does not know any more", async () => {
    const driver = await keys.open();
    keys.fake.putBlob("suite", "other", "x");
    const page = await driver.listPage({ prefix: "", recursive: true, limit: 1 }, ctx);
    keys.fake.expireMarkers();
    const request = { prefix: "", recursive: true, limit: 1, cursor: page.cursor };
    const thrown: unknown = await driver.listPage(request, ctx).catch((caught: unknown) => caught);
    expect(driver.classifyError(thrown)).toMatchObject({
      code: "invalid_input",
      reason: "azure.cursor_expired",
    });
  });

  it.each([
    ["a web page", "<html>hello</html>"],
    ["an error document", "<Error><Code>ServerBusy</Code></Error>"],
    ["half a page", "<EnumerationResults><Blobs><Blob><Name>a</Name>"],
    ["nothing", ""],
  ])("never takes %s for an empty listing", async (_what, body) => {
    const driver = await keys.open();
    keys.fake.inject({ kind: "body", body, on: "list" });
    const thrown: unknown = await calls.list(driver).catch((caught: unknown) => caught);
    expect(thrown).toBeInstanceOf(Error);
  });

  it("gives up an answer that does not end, before it fills the memory", async () => {
    const driver = await keys.open();
    keys.fake.inject({ kind: "body", body: "x".repeat(33 * 1024 * 1024), on: "list" });
    expect(await calls.list(driver).catch((caught: unknown) => caught)).toMatchObject({
      code: "unavailable",
      reason: "azure.malformed_answer",
      message: expect.stringContaining("has more than") as string,
    });
  });

  it.each(["list", "get"] as const)(
    "tells a connection that is cut in the middle of a %s",
    async (on) => {
      const driver = await keys.open();
      keys.fake.inject({ kind: "cut", afterBytes: 3, on });
      expect(await classOf(on === "get" ? "read" : on, driver)).toMatchObject({
        code: "unavailable",
        reason: "azure.connection_lost",
      });
    },
  );

  it.each(["list", "head", "put"] as const)("gives up a silent %s with its signal", async (on) => {
    const driver = await keys.open();
    keys.fake.inject({ kind: "silent", on });
    const signal = AbortSignal.timeout(150);
    const call = {
      list: () => driver.listPage({ prefix: "", recursive: true, limit: 1 }, { signal }),
      head: () => driver.stat("k", { signal }),
      put: async () => driver.put?.({ key: "k", body: new Uint8Array(1) }, { signal }),
    }[on];
    const thrown: unknown = await call().catch((caught: unknown) => caught);
    expect(driver.classifyError(thrown)).toMatchObject({ code: "canceled" });
  });
});

describe("classifyAzureError", () => {
  const coded = (code: string): Error => Object.assign(new Error("S3CRET"), { code });

  it.each([
    ["ECONNREFUSED", "unavailable", "azure.unreachable"],
    ["ENOTFOUND", "invalid_input", "azure.unresolvable"],
    ["ECONNRESET", "unavailable", "azure.connection_lost"],
    ["ETIMEDOUT", "timeout", "azure.timeout"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "invalid_config", "azure.certificate"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "invalid_config", "azure.protocol"],
    ["HPE_INVALID_CONSTANT", "invalid_config", "azure.protocol"],
  ])("knows the socket's %s", (code, ours, reason) => {
    const known = classifyAzureError(coded(code));
    expect(known).toMatchObject({ code: ours, reason });
    expect(JSON.stringify(known)).not.toContain("S3CRET");
  });

  it.each([
    [400, "AADSTS7000222: S3CRET", "unauthenticated", "azure.secret_expired"],
    [400, "AADSTS7000112: S3CRET", "permission_denied", "azure.client_disabled"],
    [400, "AADSTS53003: S3CRET", "permission_denied", "azure.conditional_access"],
    [400, "AADSTS90033: S3CRET", "unavailable", "azure.unavailable"],
    [400, "AADSTS50034: S3CRET", "unauthenticated", "azure.sign_in_refused"],
    [401, "S3CRET", "unauthenticated", "azure.sign_in_refused"],
    [429, "S3CRET", "rate_limited", "azure.server_busy"],
    [503, "S3CRET", "unavailable", "azure.unavailable"],
  ])(
    "knows the login host's %i %s and shows nothing else of it",
    (status, bodyAsText, code, reason) => {
      const known = classifySignIn({ status, bodyAsText });
      expect(known).toMatchObject({ code, reason });
      expect(JSON.stringify(known)).not.toContain("S3CRET");
    },
  );

  it("does not believe a code of a strange form", () => {
    const error = Object.assign(new Error("x"), { statusCode: 403, code: "<b>S3CRET</b> text" });
    expect(JSON.stringify(classifyAzureError(error))).not.toContain("S3CRET");
  });
});

it.each(["constructor", "toString", "valueOf", "__proto__", "hasOwnProperty"])(
  "a host that calls its error %s is answered like one that says nothing",
  (code) => {
    const toError = (fields: object): Error =>
      Object.assign(new TypeError("x"), { statusCode: 403 }, fields);
    const expected = classifyAzureError(toError({}));
    expect(classifyAzureError(toError({ code }))).toMatchObject({
      code: expected?.code,
      reason: expected?.reason,
    });
    expect(classifyAzureError(Object.assign(new TypeError("x"), { code }))).toBeUndefined();
  },
);
