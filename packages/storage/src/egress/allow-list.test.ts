import { describe, expect, it } from "vitest";
import { findReservedBlock } from "./addresses.ts";
import { parseAllowList } from "./allow-list.ts";

function permits(entries: readonly string[], address: string, host = address): boolean {
  const block = findReservedBlock(address);
  return block === undefined || parseAllowList(entries).permits(host, address, block);
}

describe("parseAllowList", () => {
  it.each([
    { entry: "loopback", opens: ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] },
    { entry: "private", opens: ["10.0.0.1", "172.20.0.1", "192.168.0.1", "fd01::1"] },
    { entry: " 10.1.0.0/16 ", opens: ["10.1.2.3", "::ffff:10.1.2.3"] },
    { entry: "169.254.0.0/16", opens: ["169.254.7.7"] },
    { entry: "169.254.169.254", opens: ["169.254.169.254"] },
    { entry: "fd01::/64", opens: ["fd01::7"] },
  ])("$entry opens $opens", ({ entry, opens }) => {
    for (const address of opens) expect(permits([entry], address), address).toBe(true);
  });

  it.each([
    { entry: "loopback", keeps: ["10.0.0.1", "0.0.0.0", "169.254.169.254"] },
    {
      entry: "private",
      keeps: [
        "127.0.0.1",
        "169.254.1.1",
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "100.64.0.1",
      ],
    },
    { entry: "10.1.0.0/16", keeps: ["10.2.0.1"] },
    { entry: "0.0.0.0/0", keeps: ["169.254.169.254", "100.100.100.200"] },
    { entry: "::/0", keeps: ["10.0.0.1", "127.0.0.1"] },
    { entry: "fc00::/7", keeps: ["fd00:ec2::254"] },
  ])("$entry keeps $keeps shut", ({ entry, keeps }) => {
    for (const address of keeps) expect(permits([entry], address), address).toBe(false);
  });

  it("opens what a named host resolves to, but never link-local or metadata addresses", () => {
    expect(permits(["minio.internal."], "10.0.0.5", "minio.internal")).toBe(true);
    expect(permits(["minio.internal"], "10.0.0.5", "other.internal")).toBe(false);
    expect(permits(["minio.internal"], "169.254.1.1", "minio.internal")).toBe(false);
    expect(permits(["minio.internal"], "169.254.169.254", "minio.internal")).toBe(false);
  });

  it.each([
    "10.0.0.0/33",
    "10.0.0/8",
    "fd00::/200",
    "http://minio:9000",
    "a b",
    "-",
    "10.0.0.0/8/8",
  ])("refuses the entry %j", (entry) => {
    expect(() => parseAllowList([entry])).toThrow(
      expect.objectContaining({ code: "invalid_config", reason: "egress.bad_allow_entry" }),
    );
  });
});
