import http from "node:http";
import type { AddressInfo } from "node:net";
import { fetch } from "undici";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createPlatformEgress } from "./platform-egress.ts";
import type { Resolver } from "./resolver.ts";

const signal = new AbortController().signal;
const inner: Resolver = () => Promise.resolve([{ address: "10.0.0.8", family: 4 }]);

function platform(hosts: readonly string[] = [], resolver: Resolver = inner) {
  return createPlatformEgress({ hosts, denied: [{ host: "127.0.0.1", port: 5432 }], resolver });
}

describe("the platform egress", () => {
  it.each([
    ["sts.amazonaws.com", "10.0.0.8"],
    ["STS.eu-central-1.amazonaws.com.", "10.0.0.8"],
    ["sts-fips.us-east-1.amazonaws.com", "10.0.0.8"],
    ["sts.cn-north-1.amazonaws.com.cn", "10.0.0.8"],
    ["169.254.169.254", "169.254.169.254"],
    ["169.254.170.23", "169.254.170.23"],
    ["[fd00:ec2::254]", "fd00:ec2::254"],
    ["metadata.google.internal", "10.0.0.8"],
    ["login.microsoftonline.us", "10.0.0.8"],
  ])("goes to %s, at an inner address too", async (host, address) => {
    const found = await platform().resolve(host, 443, signal);
    expect(found.map((answer) => answer.address)).toEqual([address]);
  });

  it.each([
    "s3.amazonaws.com",
    "bucket.s3.eu-central-1.amazonaws.com",
    "sts.eu-central-1.amazonaws.com.evil.example",
    "evil.sts.amazonaws.com",
    "sts.a.b.amazonaws.com",
    "ec2-1-2-3-4.compute-1.amazonaws.com",
    "minio.internal",
    "127.0.0.1",
    "169.254.169.253",
    "10.0.0.8",
  ])("refuses %s", async (host) => {
    await expect(platform().resolve(host, 443, signal)).rejects.toMatchObject({
      code: "permission_denied",
      reason: "egress.platform_host",
    });
  });

  it("adds the operator's endpoints, with the port of a URL", async () => {
    const egress = platform(["http://sts.lab:8443", "127.1", "https://login.lab/tenant"]);
    await expect(egress.resolve("sts.lab", 8443, signal)).resolves.toHaveLength(1);
    await expect(egress.resolve("127.0.0.1", 80, signal)).resolves.toHaveLength(1);
    await expect(egress.resolve("login.lab", 443, signal)).resolves.toHaveLength(1);
    await expect(egress.resolve("sts.lab", 443, signal)).rejects.toMatchObject({
      reason: "egress.platform_host",
    });
  });

  it("never reaches our own servers", async () => {
    await expect(platform(["127.0.0.1"]).resolve("127.0.0.1", 5432, signal)).rejects.toMatchObject({
      reason: "egress.own_service",
    });
  });

  it.each(["ftp://sts.lab", "a b", "https://"])("refuses the entry %j", (entry) => {
    expect(() => platform([entry])).toThrow(
      expect.objectContaining({ code: "invalid_config", reason: "egress.bad_platform_host" }),
    );
  });
});

describe("the loopback canary of the platform egress", () => {
  let hits = 0;
  const canary = http.createServer((_request, response) => {
    hits++;
    response.end("canary");
  });
  let port = 0;

  beforeAll(async () => {
    await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
    port = (canary.address() as AddressInfo).port;
  });
  beforeEach(() => {
    hits = 0;
  });
  afterAll(() => {
    canary.closeAllConnections();
    canary.close();
  });

  it("is reached only as a host that the operator named", async () => {
    const origin = `http://127.0.0.1:${String(port)}/`;
    const open = platform([origin]);
    const shut = platform([`http://127.0.0.1:${String(port + 1)}`]);
    expect((await fetch(origin, { dispatcher: open.dispatcher })).status).toBe(200);
    await expect(fetch(origin, { dispatcher: shut.dispatcher })).rejects.toThrow();
    const refused = new Promise((resolve, reject) => {
      http.get(origin, { agent: shut.httpAgent }, resolve).on("error", reject);
    });
    await expect(refused).rejects.toMatchObject({ reason: "egress.platform_host" });
    expect(hits).toBe(1);
    await Promise.all([open.close(), shut.close()]);
  });
});
