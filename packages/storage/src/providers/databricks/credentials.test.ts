import { Secret } from "@bucketbridge/core";
import { startDatabricksFake, type DatabricksFake } from "@bucketbridge/testkit/databricks-fake";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { StorageDriver } from "../../driver.ts";
import { createEgress } from "../../egress/create-egress.ts";
import { openDatabricks } from "../../testing/databricks-harness.ts";
import { GrantedToken } from "./credentials.ts";

const egress = createEgress({ allow: ["loopback"], denied: [] });
const SECRET = "s/e:c+r=t";
const TENANT = "11111111-2222-3333-4444-555555555555";
let fake: DatabricksFake;
const drivers: StorageDriver[] = [];
beforeAll(async () => {
  fake = await startDatabricksFake({
    volumes: ["c/s/v"],
    clients: [
      { clientId: "robot", clientSecret: SECRET },
      { clientId: "azure-app", clientSecret: SECRET, tenantId: TENANT },
      { clientId: "old-app", clientSecret: SECRET, tenantId: TENANT, isSecretExpired: true },
    ],
  });
  fake.putFile("c/s/v/a.txt", "x");
});
afterEach(() => {
  fake.clearFaults();
});
afterAll(async () => {
  for (const driver of drivers) await driver.close();
  await egress.close();
  await fake.close();
});

const ROBOT = { auth_type: "dbx_sp", client_id: "robot", client_secret: SECRET };
const AZURE = {
  auth_type: "azure_ad_sp",
  client_id: "azure-app",
  client_secret: SECRET,
  tenant_id: TENANT,
};
const calm = { signal: new AbortController().signal };

async function open(fields: Record<string, unknown>): Promise<StorageDriver> {
  const place = { host: fake.endpoint, catalog: "c", schema: "s", volume: "v" };
  const driver = await openDatabricks({ ...place, ...fields }, egress, {
    authorityHost: fake.endpoint,
  });
  drivers.push(driver);
  return driver;
}

async function classOf(driver: StorageDriver): Promise<unknown> {
  const error: unknown = await driver.stat("a.txt", calm).catch((caught: unknown) => caught);
  return driver.classifyError(error);
}

describe.each([
  ["a service principal of Databricks", ROBOT],
  ["a service principal of Azure", AZURE],
])("%s", (_name, fields) => {
  it("asks for one token, however many requests come at once", async () => {
    const before = fake.counters.token;
    const driver = await open(fields);
    await Promise.all(Array.from({ length: 5 }, () => driver.stat("a.txt", calm)));
    expect((await driver.stat("a.txt", calm)).size).toBe(1);
    expect(fake.counters.token - before).toBe(1);
  });

  it("asks once more when the workspace refuses the token, and not for ever", async () => {
    const driver = await open(fields);
    await driver.stat("a.txt", calm);
    const before = fake.counters.token;
    fake.revokeTokens();
    expect((await driver.stat("a.txt", calm)).size).toBe(1);
    expect(fake.counters.token - before).toBe(1);
    fake.inject({ on: "head", kind: "error", status: 401, errorCode: "UNAUTHENTICATED", times: 9 });
    expect(await classOf(driver)).toMatchObject({ code: "unauthenticated" });
    expect(fake.counters.token - before).toBe(2);
  });

  it("names a wrong secret, without the secret", async () => {
    const driver = await open({ ...fields, client_secret: "wrong-secret" });
    const known = await classOf(driver);
    expect(known).toMatchObject({ code: "unauthenticated", reason: "databricks.client_refused" });
    expect(JSON.stringify(known)).not.toContain("wrong-secret");
  });

  it.each([
    [
      { kind: "error", status: 429, errorCode: "x", headers: { "retry-after": "4" } },
      { code: "rate_limited", retryAfterMs: 4_000 },
    ],
    [{ kind: "error", status: 503, errorCode: "x" }, { code: "unavailable" }],
    [{ kind: "error", status: 404, errorCode: "x" }, { reason: "databricks.no_token_endpoint" }],
    [{ kind: "body", body: "<html>" }, { reason: "databricks.malformed_answer" }],
    [{ kind: "body", body: '{"expires_in":5}' }, { reason: "databricks.malformed_answer" }],
    [{ kind: "reset" }, { reason: "databricks.connection_lost" }],
  ] as const)("classifies what the token endpoint does: %j", async (fault, expected) => {
    fake.inject({ on: "token", ...fault });
    const driver = await open(fields);
    expect(await classOf(driver)).toMatchObject(expected);
    expect((await driver.stat("a.txt", calm)).size).toBe(1);
  });
});

describe("what Azure says about an application", () => {
  it.each([
    [{ client_id: "old-app" }, "unauthenticated", "databricks.secret_expired"],
    [{ client_id: "stranger" }, "unauthenticated", "databricks.client_not_found"],
    [
      { tenant_id: "99999999-2222-3333-4444-555555555555" },
      "invalid_config",
      "databricks.tenant_not_found",
    ],
  ])("%j: %s", async (fields, code, reason) => {
    expect(await classOf(await open({ ...AZURE, ...fields }))).toMatchObject({ code, reason });
  });
});

describe("a token that was granted", () => {
  it("is replaced after half of a short life", async () => {
    let grants = 0;
    const tokens = new GrantedToken(() =>
      Promise.resolve({
        token: new Secret(`t${String(++grants)}`),
        lifeSeconds: grants === 1 ? 0 : 3_600,
      }),
    );
    expect((await tokens.get(calm.signal)).reveal()).toBe("t1");
    expect((await tokens.get(calm.signal)).reveal()).toBe("t2");
    expect((await tokens.get(calm.signal)).reveal()).toBe("t2");
  });

  it("is not given up because another one was refused", async () => {
    let grants = 0;
    const tokens = new GrantedToken(() =>
      Promise.resolve({ token: new Secret(`t${String(++grants)}`), lifeSeconds: 3_600 }),
    );
    await tokens.get(calm.signal);
    expect(tokens.renew(new Secret("t0"))).toBe(true);
    expect((await tokens.get(calm.signal)).reveal()).toBe("t1");
  });

  it("is waited for no longer than the caller wants, while others still get it", async () => {
    const granted = Promise.withResolvers<{ token: Secret; lifeSeconds: number }>();
    const tokens = new GrantedToken(() => granted.promise);
    const patient = tokens.get(calm.signal);
    const hasty = new AbortController();
    const refused = expect(tokens.get(hasty.signal)).rejects.toThrow("enough");
    hasty.abort(new Error("enough"));
    await refused;
    granted.resolve({ token: new Secret("t"), lifeSeconds: 60 });
    expect((await patient).reveal()).toBe("t");
  });
});
