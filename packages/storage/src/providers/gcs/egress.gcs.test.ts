import net, { type AddressInfo } from "node:net";
import { Secret } from "@bucketbridge/core";
import { startGcsFake } from "@bucketbridge/testkit/gcs-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEgress } from "../../egress/create-egress.ts";
import { createPlatformEgress } from "../../egress/platform-egress.ts";
import type { Resolver } from "../../egress/resolver.ts";
import { AWS_KEYS, OWNER, POOL_FIELDS } from "../../testing/gcs-harness.ts";
import { makeProviderDeps, makeStorageContext } from "../../testing/provider-deps.ts";
import type { StorageDriver } from "../../driver.ts";
import { gcsProvider, gcsSaProvider, gcswifProvider } from "./index.ts";

const ctx = { signal: new AbortController().signal };

/** Every name leads inward. */
const hostile: Resolver = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);

describe("the Google family behind the egress", () => {
  let connections = 0;
  let key = "";
  let origin = "";
  const canary = net.createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${String((canary.address() as AddressInfo).port)}`;
    const fake = await startGcsFake({ accounts: [{ email: OWNER }] });
    key = fake.keyJson(OWNER);
    await fake.close();
  });
  afterAll(() => {
    canary.close();
  });

  /** Both ways out lead to the canary unless they refuse. */
  async function openAll(endpoints: Record<string, string>, allow: readonly string[]) {
    const egress = createEgress({ allow, denied: [], resolver: hostile });
    const { secretAccessKey, sessionToken, accessKeyId } = AWS_KEYS;
    const keys = {
      accessKeyId,
      secretAccessKey: new Secret(secretAccessKey),
      sessionToken: new Secret(sessionToken),
    };
    const deps = makeProviderDeps(egress, {
      platform: {
        egress: createPlatformEgress({ hosts: [], denied: [], resolver: hostile }),
        aws: { keys },
        gcp: { credentials: new Secret(key), endpoints },
        azure: {},
      },
    });
    const context = makeStorageContext({ isOnlyOrganization: true });
    const account = { google_service_account_email: OWNER, ...POOL_FIELDS };
    const own = { bucket: "b", google_application_credentials: key };
    const target = { bucket: "b", target_service_account_email: OWNER };
    return [
      await gcsProvider.open(gcsProvider.settings.parse(own), deps, context),
      await gcsSaProvider.open(gcsSaProvider.settings.parse(target), deps, context),
      await gcswifProvider.open(
        gcswifProvider.settings.parse({ bucket: "b", ...account }),
        deps,
        context,
      ),
    ] as const;
  }

  /** Why each call ended. */
  async function refusalsOf(driver: StorageDriver): Promise<readonly unknown[]> {
    const ends = await Promise.allSettled([
      driver.listPage({ prefix: "", recursive: true, limit: 1 }, ctx),
      driver.stat("k", ctx),
      driver.read({ key: "k" }, ctx),
      driver.put?.({ key: "k", body: new Uint8Array(1) }, ctx),
      driver.delete?.("k", ctx),
    ]);
    return ends.map((end) => (end.status === "rejected" ? end.reason : undefined) as unknown);
  }

  it("shows the platform's identity to no host but Google's", async () => {
    const elsewhere = { token: `${origin}/token`, sts: `${origin}/sts`, iamCredentials: origin };
    const [, ...asPlatform] = await openAll(elsewhere, ["loopback"]);
    for (const driver of asPlatform) {
      for (const refusal of await refusalsOf(driver))
        expect(refusal).toMatchObject({ reason: "egress.platform_host" });
    }
    expect(connections).toBe(0);
  });

  it("makes no connection with a user's key when Google's own name leads inward", async () => {
    const [driver] = await openAll({}, []);
    for (const refusal of await refusalsOf(driver))
      expect(refusal).toMatchObject({ reason: "egress.private_address" });
    expect(connections).toBe(0);
  });

  it("reaches the canary once the operator allows it: the cases above are no accident", async () => {
    const [driver] = await openAll({ token: `${origin}/token` }, ["loopback"]);
    for (const refusal of await refusalsOf(driver))
      expect(refusal).toMatchObject({ code: "UND_ERR_SOCKET" });
    expect(connections).toBe(1);
  });
});
