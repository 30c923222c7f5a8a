import { BlockList, isIP } from "node:net";
import { AppError } from "@bucketbridge/core";
import { effectiveAddress, familyOf, type ReservedBlock, type ReservedKind } from "./addresses.ts";

/** What the operator opened beyond public addresses (`BUCKETBRIDGE_EGRESS_ALLOW`). */
export interface AllowList {
  /** `address` lies in the reserved `block`; `host` is the name or literal that the user gave, in lower case, no final dot. */
  permits(host: string, address: string, block: ReservedBlock): boolean;
  /** Names of metadata services are resolved like others. No setting for hosts of users does this. */
  readonly opensMetadataNames?: true;
}

/** Kinds that a host name opens: link-local and metadata addresses need an entry of their own. */
const OPENED_BY_NAME: ReadonlySet<ReservedKind> = new Set(["loopback", "private", "reserved"]);

/**
 * Entries are the words `loopback` and `private` (RFC 1918 and unique local), CIDRs, single addresses or host names.
 * A metadata address is opened by itself alone, link-local also by a CIDR. Throws `invalid_config` for anything else.
 */
export function parseAllowList(entries: readonly string[]): AllowList {
  const kinds = new Set<ReservedKind>();
  const names = new Set<string>();
  const singles = new Set<string>();
  // One list per family: a `BlockList` takes an IPv4 address for a mapped IPv6 one and would find it in ::/0.
  const ranges = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const entry of entries.map((text) => text.trim().toLowerCase())) {
    if (entry === "loopback" || entry === "private") kinds.add(entry);
    else if (isIP(entry) !== 0) singles.add(effectiveAddress(entry));
    else if (entry.includes("/")) addRange(ranges, entry);
    else names.add(checkedName(entry));
  }
  return {
    permits(host, address, { kind }) {
      const plain = effectiveAddress(address);
      if (singles.has(plain)) return true;
      if (kind === "metadata") return false;
      return (
        kinds.has(kind) ||
        ranges[familyOf(plain)].check(plain, familyOf(plain)) ||
        (names.has(host) && OPENED_BY_NAME.has(kind))
      );
    },
  };
}

function addRange(ranges: Readonly<Record<"ipv4" | "ipv6", BlockList>>, entry: string): void {
  const [network = "", bits = "", ...rest] = entry.split("/");
  const maxBits = isIP(network) === 4 ? 32 : 128;
  if (isIP(network) === 0 || rest.length > 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > maxBits)
    throw badEntry(entry);
  ranges[familyOf(network)].addSubnet(network, Number(bits), familyOf(network));
}

function checkedName(entry: string): string {
  const name = entry.replace(/\.$/, "");
  if (!/^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$/.test(name)) throw badEntry(entry);
  return name;
}

function badEntry(entry: string): AppError {
  return new AppError({
    code: "invalid_config",
    reason: "egress.bad_allow_entry",
    message: `"${entry}" is no address, CIDR, host name, "loopback" or "private" for BUCKETBRIDGE_EGRESS_ALLOW`,
  });
}
