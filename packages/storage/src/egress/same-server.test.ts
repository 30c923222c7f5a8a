import { describe, expect, it } from "vitest";
import { createEgress } from "./create-egress.ts";
import { isSameServer } from "./same-server.ts";

const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  localhost: ["::1", "127.0.0.1"],
  "cache.example": ["192.0.2.1", "198.51.100.7"],
  "alias.example": ["198.51.100.7"],
  "other.example": ["203.0.113.9"],
};
const egress = createEgress({
  allow: ["loopback", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"],
  denied: [],
  resolver: (host) =>
    Promise.resolve(
      (ADDRESSES[host] ?? []).map((address) => ({
        address,
        family: address.includes(":") ? 6 : 4,
      })),
    ),
});

const same = (one: string, other: string, port = 6379): Promise<boolean> =>
  isSameServer(
    egress,
    { host: one, port: 6379 },
    { host: other, port },
    AbortSignal.timeout(5_000),
  );

describe("isSameServer", () => {
  it.each([
    ["localhost", "127.0.0.1"],
    ["127.0.0.1", "localhost"],
    ["127.0.0.1", "::1"],
    ["127.1", "127.0.0.2"],
    ["cache.example", "Cache.Example"],
    ["cache.example", "alias.example"],
    ["::ffff:198.51.100.7", "cache.example"],
  ])("knows %s and %s as one", async (one, other) => {
    expect(await same(one, other)).toBe(true);
  });

  it.each([
    ["cache.example", "other.example"],
    ["cache.example", "nowhere.example"],
    ["127.0.0.1", "cache.example"],
  ])("tells %s from %s", async (one, other) => {
    expect(await same(one, other)).toBe(false);
  });

  it("tells ports apart, and refuses a host that may not be dialled", async () => {
    expect(await same("localhost", "localhost", 6380)).toBe(false);
    await expect(same("169.254.169.254", "localhost")).rejects.toMatchObject({
      reason: "egress.private_address",
    });
  });
});
