import net, { type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEgress } from "../../egress/create-egress.ts";
import type { Resolver } from "../../egress/resolver.ts";
import { ObjectStore } from "../../object-store.ts";
import { openS3 } from "../../testing/s3-harness.ts";

const ctx = { signal: new AbortController().signal };
const KEY = { aws_access_key_id: "AKIAOWNER", aws_secret_access_key: "owner" };
const REFUSED = { code: "permission_denied", reason: "egress.private_address" };

/** Every name leads inward. */
const hostile: Resolver = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);

describe("the S3 client behind the egress", () => {
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
    endpoint: string | null,
    allow: readonly string[],
    resolver = hostile,
  ): Promise<ObjectStore> {
    const egress = createEgress({ allow, denied: [], resolver });
    const driver = await openS3({ bucket: "box", s3_endpoint: endpoint, ...KEY }, egress);
    return new ObjectStore(driver, { provider: "s3", place: "s3://box" });
  }

  function everyCall(s3: ObjectStore): readonly Promise<unknown>[] {
    return [
      s3.pages({}, ctx).next(),
      s3.stat("k", ctx),
      s3.read("k", {}, ctx),
      s3.put({ key: "k", body: new Uint8Array(1) }, ctx),
      // Large enough for the SDK to think of `Expect: 100-continue`, which goes through an agent of its own.
      s3.put({ key: "k", body: new Uint8Array(3 * 1024 * 1024) }, ctx),
      s3.delete("k", ctx),
      s3.presignRead("k", { method: "GET", ttlSeconds: 60 }, ctx),
    ];
  }

  it.each([
    "http://127.0.0.1",
    "https://127.0.0.1",
    "http://[::1]",
    "http://rebind.example",
    "https://rebind.example",
  ])("makes no connection to %s", async (origin) => {
    const s3 = await store(`${origin}:${port}`, []);
    for (const call of everyCall(s3)) await expect(call).rejects.toMatchObject(REFUSED);
    expect(connections).toBe(0);
  });

  it("makes no connection when the name turns inward after the first look", async () => {
    let looks = 0;
    const turning: Resolver = () =>
      Promise.resolve([{ address: looks++ === 0 ? "52.1.2.3" : "127.0.0.1", family: 4 }]);
    const s3 = await store(`http://rebind.example:${port}`, [], turning);
    await expect(s3.stat("k", ctx)).rejects.toMatchObject(REFUSED);
    await expect(
      s3.put({ key: "k", body: new Uint8Array(3 * 1024 * 1024) }, ctx),
    ).rejects.toMatchObject(REFUSED);
    expect(connections).toBe(0);
  });

  it("makes no connection when AWS's own name leads inward", async () => {
    const s3 = await store(null, []);
    for (const call of everyCall(s3)) await expect(call).rejects.toMatchObject(REFUSED);
    expect(connections).toBe(0);
  });

  it("reaches the canary once the operator allows it: the cases above are no accident", async () => {
    const s3 = await store(`http://rebind.example:${port}`, ["loopback"]);
    await expect(s3.stat("k", ctx)).rejects.toMatchObject({ code: "unavailable" });
    await expect(
      s3.put({ key: "k", body: new Uint8Array(3 * 1024 * 1024) }, ctx),
    ).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(connections).toBe(2);
  });

  it("says what is wrong with an endpoint that is no URL", async () => {
    const s3 = await store("minio:9000", ["loopback"]);
    await expect(s3.stat("k", ctx)).rejects.toMatchObject({
      code: "permission_denied",
      reason: "egress.url_not_allowed",
    });
  });
});
