import { inspect } from "node:util";
import net, { type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEgress } from "../../egress/create-egress.ts";
import type { Resolver } from "../../egress/resolver.ts";
import { ObjectStore } from "../../object-store.ts";
import {
  OWNER_ACCOUNT,
  startAzureStand,
  toAppFields,
  toKeyFields,
} from "../../testing/azure-fake-harness.ts";
import { openAzure, type AzureType } from "../../testing/azure-harness.ts";

const ctx = { signal: new AbortController().signal };
const REFUSED = { code: "permission_denied", reason: "egress.private_address" };

/** Every name leads inward. */
const hostile: Resolver = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);

describe("the Azure clients behind the egress", () => {
  let connections = 0;
  const canary = net.createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  let port = "";
  beforeAll(async () => {
    await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
    port = String((canary.address() as AddressInfo).port);
  });
  afterAll(() => {
    canary.close();
  });

  async function store(
    type: AzureType,
    blobEndpoint: string | undefined,
    allow: string[],
    resolver = hostile,
  ) {
    const egress = createEgress({ allow, denied: [], resolver });
    const authorityHost = `https://localhost:${port}`;
    const fields = type === "azure" ? toKeyFields(OWNER_ACCOUNT) : toAppFields("owner");
    const driver = await openAzure(
      type,
      { container: "box", ...fields },
      { egress, azure: { blobEndpoint, authorityHost } },
    );
    return new ObjectStore(driver, { provider: type, place: "azure-blob://box" });
  }

  function everyCall(azure: ObjectStore): readonly Promise<unknown>[] {
    return [
      azure.pages({}, ctx).next(),
      azure.stat("k", ctx),
      azure.read("k", {}, ctx),
      azure.put({ key: "k", body: new Uint8Array(1) }, ctx),
      azure.delete("k", ctx),
    ];
  }

  it.each(["azure", "azure_spi"] as const)(
    "makes no connection of %s to an address within",
    async (type) => {
      for (const origin of [
        undefined,
        `https://127.0.0.1:${port}/{account}`,
        `https://rebind.example:${port}/{account}`,
      ]) {
        const azure = await store(type, origin, []);
        for (const call of everyCall(azure)) await expect(call).rejects.toMatchObject(REFUSED);
      }
      expect(connections).toBe(0);
    },
  );

  it("makes no connection to sign in at an address within, and says so", async () => {
    const azure = await store("azure_spi", undefined, []);
    const signing = azure.presignRead("k", { method: "GET", ttlSeconds: 60 }, ctx);
    await expect(signing).rejects.toMatchObject(REFUSED);
    expect(connections).toBe(0);
  });

  it("reaches the canary once the operator allows it: the cases above are no accident", async () => {
    const azure = await store("azure", `http://rebind.example:${port}/{account}`, ["loopback"]);
    await expect(azure.stat("k", ctx)).rejects.toMatchObject({ code: "unavailable" });
    expect(connections).toBe(1);
    await expect(
      (await store("azure_spi", undefined, ["loopback"])).stat("k", ctx),
    ).rejects.toThrow();
    expect(connections).toBeGreaterThan(1);
  });

  it("follows no redirect: the token would go along", async () => {
    const stand = await startAzureStand("azure_spi");
    const azure = await stand.open();
    const before = connections;
    const own = stand.fake.blobEndpoint.replace("{account}", OWNER_ACCOUNT.name);
    const locations = [
      `http://127.0.0.1:${port}/elsewhere`,
      `${own}/suite?restype=container&comp=list`,
    ];
    for (const location of locations) {
      stand.fake.inject({
        kind: "error",
        status: 307,
        code: "Moved",
        headers: { location },
        on: "list",
      });
      const listed = azure.listPage({ prefix: "", recursive: true, limit: 1 }, ctx);
      await expect(listed).rejects.toThrow();
    }
    expect(stand.fake.counters.list).toBe(locations.length);
    expect(connections).toBe(before);
    await stand.close();
  });

  it("keeps the name of an account that does not exist to itself: it is a secret", async () => {
    const azure = await store("azure", undefined, [], () => Promise.resolve([]));
    const thrown: unknown = await azure.stat("k", ctx).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: "invalid_input", reason: "azure.account_not_found" });
    expect(inspect(thrown, { depth: 9 })).not.toContain(OWNER_ACCOUNT.name);
  });
});
