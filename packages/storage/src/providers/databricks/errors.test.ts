import {
  startDatabricksFake,
  type DatabricksFake,
  type DatabricksFaultKind,
} from "@bucketbridge/testkit/databricks-fake";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { StorageDriver } from "../../driver.ts";
import { createEgress } from "../../egress/create-egress.ts";
import { openDatabricks } from "../../testing/databricks-harness.ts";
import { BY_ERROR_CODE, BY_NETWORK_CODE, BY_REASON, BY_STATUS } from "./error-table.ts";
import { classifyDatabricksError, DatabricksFault } from "./errors.ts";

const egress = createEgress({ allow: ["loopback"], denied: [] });
const TOKEN = "dapi-owner-secret";
let fake: DatabricksFake;
let driver: StorageDriver;
beforeAll(async () => {
  fake = await startDatabricksFake({ volumes: ["c/s/v"], tokens: [{ token: TOKEN }] });
  fake.putFile("c/s/v/a.txt", "0123456789");
  driver = await openDatabricks(
    {
      host: fake.endpoint,
      catalog: "c",
      schema: "s",
      volume: "v",
      token: TOKEN,
      request_timeout_s: 1,
    },
    egress,
  );
});
afterEach(() => {
  fake.clearFaults();
});
afterAll(async () => {
  await driver.close();
  await egress.close();
  await fake.close();
});

const calm = () => ({ signal: AbortSignal.timeout(20_000) });
const CALLS = {
  list: () => driver.listPage({ prefix: "", recursive: true, limit: 10 }, calm()),
  head: () => driver.stat("a.txt", calm()),
  get: () => readAll("a.txt"),
  put: () => driver.put?.({ key: "new.txt", body: new Uint8Array([1]) }, calm()),
  delete: () => driver.delete?.("a.txt", calm()),
} as const;

async function readAll(key: string): Promise<number> {
  const { body } = await driver.read({ key }, calm());
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.byteLength;
  return bytes;
}

async function classOf(call: Promise<unknown> | undefined): Promise<unknown> {
  const error: unknown = await Promise.resolve(call).then(
    () => "resolved",
    (caught: unknown) => caught,
  );
  return error === "resolved" ? error : driver.classifyError(error);
}

const ANSWERS: readonly [number, string, Partial<DatabricksFaultKind> & object, object][] = [
  [400, "INVALID_PARAMETER_VALUE", {}, { code: "invalid_input", reason: "databricks.bad_request" }],
  [401, "UNAUTHENTICATED", {}, { code: "unauthenticated", reason: "databricks.token_refused" }],
  [403, "PERMISSION_DENIED", {}, { code: "permission_denied", reason: "databricks.access_denied" }],
  [
    403,
    "403",
    { message: "Invalid access token." },
    { code: "unauthenticated", reason: "databricks.token_refused" },
  ],
  [
    403,
    "PERMISSION_DENIED",
    { message: "Source IP address: 1.2.3.4 is blocked by Databricks IP ACL for workspace: 1" },
    { code: "permission_denied", reason: "databricks.ip_blocked" },
  ],
  [
    404,
    "NOT_FOUND",
    { reason: "VOLUME_DOES_NOT_EXIST" },
    { code: "not_found", reason: "databricks.volume_not_found" },
  ],
  [409, "ABORTED", {}, { code: "conflict" }],
  [412, "FAILED_PRECONDITION", {}, { code: "precondition_failed", reason: "databricks.changed" }],
  [416, "OUT_OF_RANGE", {}, { code: "invalid_input", reason: "databricks.invalid_range" }],
  [
    429,
    "RESOURCE_EXHAUSTED",
    { headers: { "retry-after": "7" } },
    { code: "rate_limited", reason: "databricks.throttled", retryAfterMs: 7_000 },
  ],
  [429, "", {}, { code: "rate_limited", reason: "databricks.throttled" }],
  [500, "INTERNAL_ERROR", {}, { code: "unavailable", reason: "databricks.unavailable" }],
  [501, "FEATURE_DISABLED", {}, { code: "unsupported", reason: "databricks.feature_disabled" }],
  [
    503,
    "TEMPORARILY_UNAVAILABLE",
    { headers: { "retry-after": "3" } },
    { code: "unavailable", retryAfterMs: 3_000 },
  ],
  [502, "", {}, { code: "unavailable", reason: "databricks.unavailable" }],
  [504, "DEADLINE_EXCEEDED", {}, { code: "timeout", reason: "databricks.timeout" }],
  [
    302,
    "",
    { headers: { location: "https://elsewhere.example/login.html" } },
    { code: "invalid_config", reason: "databricks.redirected" },
  ],
];

describe("what an answer of the workspace means", () => {
  it.each(ANSWERS)("HTTP %i %s %j", async (status, errorCode, more, expected) => {
    for (const on of ["list", "get"] as const) {
      fake.inject({ on, kind: "error", status, errorCode, ...more } as never);
      expect(await classOf(CALLS[on]()), on).toMatchObject(expected);
    }
  });

  it("tells the missing things apart", async () => {
    expect(await classOf(driver.stat("nowhere", calm()))).toMatchObject({
      reason: "databricks.file_not_found",
    });
    expect(await classOf(readAll("nowhere"))).toMatchObject({
      reason: "databricks.file_not_found",
    });
  });

  it("calls a put on the condition that nothing is there already_exists", async () => {
    const condition = { kind: "absent" } as const;
    const put = driver.put?.({ key: "a.txt", body: new Uint8Array([1]), condition }, calm());
    expect(await classOf(put)).toMatchObject({ code: "already_exists" });
    expect(fake.readFile("c/s/v/a.txt")?.toString()).toBe("0123456789");
  });

  it.each([
    [
      "an error in a 200",
      { kind: "body", body: '{"error_code":"PERMISSION_DENIED","message":"no"}' },
      "databricks.access_denied",
    ],
    [
      "a login page",
      { kind: "body", body: "<html>Sign in</html>", headers: { "content-type": "text/html" } },
      "databricks.malformed_answer",
    ],
    [
      "another document",
      { kind: "body", body: '{"contents":[{"name":5}]}' },
      "databricks.malformed_answer",
    ],
    ["a cut answer", { kind: "cut", afterBytes: 5 }, "databricks.connection_lost"],
    ["a stalled answer", { kind: "stall", afterBytes: 5 }, "databricks.timeout"],
    ["a reset", { kind: "reset" }, "databricks.connection_lost"],
    ["silence", { kind: "silent" }, "databricks.timeout"],
  ] as const)("of a listing: %s", async (_case, fault, reason) => {
    fake.inject({ on: "list", ...fault });
    expect(await classOf(CALLS.list())).toMatchObject({ reason });
  });

  it.each([
    ["cut", { kind: "cut", afterBytes: 5 }, "databricks.connection_lost"],
    ["stalled", { kind: "stall", afterBytes: 5 }, "databricks.timeout"],
    ["reset", { kind: "reset" }, "databricks.connection_lost"],
    ["silent", { kind: "silent" }, "databricks.timeout"],
  ] as const)("of a read that is %s", async (_case, fault, reason) => {
    fake.inject({ on: "get", ...fault });
    expect(await classOf(CALLS.get())).toMatchObject({ reason });
  });

  it.each(["list", "head", "get", "put", "delete"] as const)(
    "of an aborted %s: canceled",
    async (name) => {
      fake.inject({ on: name, kind: "silent" });
      const signal = AbortSignal.abort();
      const request = { prefix: "", recursive: true, limit: 10 };
      const calls = {
        list: () => driver.listPage(request, { signal }),
        head: () => driver.stat("a.txt", { signal }),
        get: () => driver.read({ key: "a.txt" }, { signal }),
        put: () => driver.put?.({ key: "x", body: new Uint8Array() }, { signal }),
        delete: () => driver.delete?.("a.txt", { signal }),
      };
      expect(
        await classOf(Promise.resolve().then((): Promise<unknown> | undefined => calls[name]())),
      ).toMatchObject({
        code: "canceled",
      });
    },
  );

  it("never shows what the host said, and a token neither", async () => {
    fake.inject({
      on: "get",
      kind: "error",
      status: 401,
      errorCode: "UNAUTHENTICATED",
      message: `bad ${TOKEN}`,
    });
    const error: unknown = await readAll("a.txt").catch((caught: unknown) => caught);
    expect(JSON.stringify([driver.classifyError(error), (error as Error).message])).not.toContain(
      TOKEN,
    );
  });

  it("shows no code that does not look like one", () => {
    const body = JSON.stringify({ error_code: "<script>" });
    const known = classifyDatabricksError(new DatabricksFault("files", { status: 500, body }));
    expect(known?.detail).toBe("the workspace cannot answer now (HTTP 500)");
  });

  it.each(Object.entries(BY_ERROR_CODE))("knows the code %s", (errorCode, expected) => {
    const fault = new DatabricksFault("files", {
      status: 418,
      body: JSON.stringify({ error_code: errorCode }),
    });
    expect(classifyDatabricksError(fault)).toMatchObject({ code: expected.code });
  });

  it.each(Object.entries(BY_REASON))("knows the reason %s", (reason, expected) => {
    const body = JSON.stringify({ error_code: "NOT_FOUND", details: [{ reason }] });
    expect(
      classifyDatabricksError(new DatabricksFault("files", { status: 418, body })),
    ).toMatchObject({ code: expected.code });
  });

  it.each(Object.entries(BY_STATUS))("knows the bare status %s", (status, expected) => {
    const fault = new DatabricksFault("files", { status: Number(status), body: "" });
    expect(classifyDatabricksError(fault)).toMatchObject({ code: expected.code });
  });

  it.each(Object.entries(BY_NETWORK_CODE))("knows the network's %s", (code, expected) => {
    const error = Object.assign(new Error("x"), { code: code.replace("*", "SOMETHING") });
    expect(classifyDatabricksError(error)).toMatchObject({ code: expected.code });
  });
});

it.each(["constructor", "toString", "valueOf", "__proto__", "hasOwnProperty"])(
  "a host that calls its error %s is answered like one that says nothing",
  (word) => {
    const said = [{ error_code: word }, { error: word }, { details: [{ reason: word }] }];
    for (const [index, body] of said.entries()) {
      for (const from of ["files", "directories", "token"] as const) {
        const fault = new DatabricksFault(from, { status: 403, body: JSON.stringify(body) });
        const nameless = new DatabricksFault(from, { status: 403, body: "" });
        const expected = classifyDatabricksError(nameless);
        expect(classifyDatabricksError(fault), String(index)).toMatchObject({
          code: expected?.code,
          reason: expected?.reason,
        });
      }
    }
  },
);
