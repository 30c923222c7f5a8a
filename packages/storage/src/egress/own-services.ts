import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { effectiveAddress, findReservedBlock } from "./addresses.ts";
import type { Resolver } from "./resolver.ts";

/** Where one of the platform's own servers listens. */
export interface ServiceAddress {
  readonly host: string;
  readonly port: number;
}

/** Answers whether an address and port is one of the platform's own servers. */
export interface OwnServices {
  includes(address: string, port: number): Promise<boolean>;
}

/** Names of own services are resolved again after this long: managed databases move. */
const NAME_CACHE_MS = 10_000;

/**
 * A service on this machine is meant by every address of this machine: a server that listens on all interfaces also
 * answers at 127.0.0.2, ::1 and the address of the network card.
 */
export function createOwnServices(
  services: readonly ServiceAddress[],
  resolver: Resolver,
): OwnServices {
  const known = services.map((service) => ({
    port: service.port,
    addresses: cachedAddresses(service.host, resolver),
  }));
  return {
    async includes(address, port) {
      const plain = effectiveAddress(address);
      for (const service of known) {
        if (service.port !== port) continue;
        const addresses = await service.addresses();
        if (addresses.includes(plain)) return true;
        if (isThisMachine(plain) && addresses.some(isThisMachine)) return true;
      }
      return false;
    },
  };
}

/** Keeps the last answer when the name cannot be resolved for a while. */
function cachedAddresses(host: string, resolver: Resolver): () => Promise<readonly string[]> {
  const literal = host.replace(/^\[|\]$/g, "");
  if (isIP(literal) !== 0) return () => Promise.resolve([effectiveAddress(literal)]);
  let last: readonly string[] = [];
  let freshUntil = 0;
  return async () => {
    if (Date.now() < freshUntil) return last;
    const answers = await resolver(host).catch(() => undefined);
    if (answers === undefined) return last;
    last = answers.map(({ address }) => effectiveAddress(address));
    freshUntil = Date.now() + NAME_CACHE_MS;
    return last;
  };
}

function isThisMachine(address: string): boolean {
  if (findReservedBlock(address)?.kind === "loopback" || address === "0.0.0.0" || address === "::")
    return true;
  return Object.values(networkInterfaces()).some((cards) =>
    cards?.some((card) => effectiveAddress(card.address) === address),
  );
}
