import { BlockList, isIP } from "node:net";
import { embeddedIpv4, ipv6Words } from "./ipv6.ts";

/** Why an address is not a public one. Decides which entries of the allow-list may open it. */
export type ReservedKind = "loopback" | "private" | "link_local" | "metadata" | "reserved";

/** A range that is not the public internet. */
export interface ReservedBlock {
  /** As in the refusal text: `127.0.0.0/8`. */
  readonly block: string;
  readonly kind: ReservedKind;
}

/**
 * Addresses at which clouds hand out credentials; some lie in private or even public ranges. AWS (instance, ECS, EKS),
 * Google, Alibaba, Azure's wire server, Oracle.
 */
const METADATA_ADDRESSES = [
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd20:ce::254",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
];

/** Names of the same services, refused whatever they resolve to. */
const METADATA_NAMES: ReadonlySet<string> = new Set([
  "metadata",
  "metadata.google.internal",
  "metadata.goog",
  "instance-data",
  "instance-data.ec2.internal",
]);

/** IANA special-purpose registries; the last four are everything outside 2000::/3. The first match wins. */
const RANGES: readonly (readonly [block: string, kind: ReservedKind])[] = [
  ...METADATA_ADDRESSES.map(
    (address) => [`${address}/${address.includes(":") ? "128" : "32"}`, "metadata"] as const,
  ),
  ["127.0.0.0/8", "loopback"],
  ["::1/128", "loopback"],
  ["10.0.0.0/8", "private"],
  ["172.16.0.0/12", "private"],
  ["192.168.0.0/16", "private"],
  ["fc00::/7", "private"],
  ["169.254.0.0/16", "link_local"],
  ["fe80::/10", "link_local"],
  ["0.0.0.0/8", "reserved"],
  ["100.64.0.0/10", "reserved"],
  ["192.0.0.0/24", "reserved"],
  ["192.0.2.0/24", "reserved"],
  ["192.88.99.0/24", "reserved"],
  ["198.18.0.0/15", "reserved"],
  ["198.51.100.0/24", "reserved"],
  ["203.0.113.0/24", "reserved"],
  ["224.0.0.0/4", "reserved"],
  ["255.255.255.255/32", "reserved"],
  ["240.0.0.0/4", "reserved"],
  ["::/128", "reserved"],
  ["64:ff9b:1::/48", "reserved"],
  ["100::/64", "reserved"],
  ["2001::/23", "reserved"],
  ["2001:db8::/32", "reserved"],
  ["3fff::/20", "reserved"],
  ["fec0::/10", "reserved"],
  ["ff00::/8", "reserved"],
  ["::/3", "reserved"],
  ["4000::/2", "reserved"],
  ["8000::/1", "reserved"],
];

/** By family, because a `BlockList` takes an IPv4 address for a mapped IPv6 one and would find it in ::/3. */
const TABLE = RANGES.map(([block, kind]) => {
  const [network = "", bits = ""] = block.split("/");
  const family = familyOf(network);
  const ranges = new BlockList();
  ranges.addSubnet(network, Number(bits), family);
  return { block: { block, kind }, family, ranges };
});

/**
 * The reserved block that holds `address` (an IP literal, zone allowed), or undefined for a public address. An IPv6
 * address that carries an IPv4 one (mapped, translated, NAT64, 6to4, ISATAP) is judged by the latter.
 */
export function findReservedBlock(address: string): ReservedBlock | undefined {
  const plain = effectiveAddress(address);
  const family = familyOf(plain);
  return TABLE.find((row) => row.family === family && row.ranges.check(plain, family))?.block;
}

/** The reserved block behind a metadata service's name (any case, final dot allowed), or undefined. */
export function findMetadataName(host: string): ReservedBlock | undefined {
  if (!METADATA_NAMES.has(host.toLowerCase().replace(/\.$/, ""))) return undefined;
  return { block: "169.254.169.254/32", kind: "metadata" };
}

/** The address that a packet finally reaches: without zone, and the IPv4 address that an IPv6 one carries. */
export function effectiveAddress(address: string): string {
  const plain = address.replace(/%.*$/, "");
  if (isIP(plain) !== 6) return plain;
  return embeddedIpv4(ipv6Words(plain)) ?? plain;
}

/** Family of an IP literal in the words of `BlockList`. */
export function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
