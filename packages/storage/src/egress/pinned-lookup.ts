import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

/** A `lookup` for `net.connect` that knows nothing but these addresses. */
export function pinnedLookup(addresses: readonly LookupAddress[]): LookupFunction {
  return (host, options, callback) => {
    const wanted = familyNumber(options.family);
    const usable = addresses.filter(({ family }) => wanted === 0 || family === wanted);
    const [first] = usable;
    if (first === undefined) {
      callback(Object.assign(new TypeError(`no address of ${host}`), { code: "ENOTFOUND" }), []);
    } else if (options.all === true) {
      callback(
        null,
        usable.map((address) => ({ ...address })),
      );
    } else {
      callback(null, first.address, first.family);
    }
  };
}

function familyNumber(family: number | "IPv4" | "IPv6" | undefined): number {
  if (family === "IPv4") return 4;
  return family === "IPv6" ? 6 : (family ?? 0);
}
