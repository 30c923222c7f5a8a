import { isAppError } from "@bucketbridge/core";
import type { Egress } from "./egress.ts";
import { createOwnServices, type ServiceAddress } from "./own-services.ts";

/**
 * Whether both names lead to one server: the same port, and the same name, a common address, or addresses of this
 * machine. `one` must be a host that may be dialled (rejects with the egress's refusal); what is not known of `other` is
 * told by its name alone.
 */
export async function isSameServer(
  egress: Pick<Egress, "resolve">,
  one: ServiceAddress,
  other: ServiceAddress,
  signal: AbortSignal,
): Promise<boolean> {
  if (one.port !== other.port) return false;
  const addresses = await egress.resolve(one.host, one.port, signal);
  if (one.host.toLowerCase() === other.host.toLowerCase()) return true;
  const others = await egress.resolve(other.host, other.port, signal).catch((error: unknown) => {
    if (isAppError(error)) return [];
    throw error;
  });
  const services = others.map(({ address }) => ({ host: address, port: other.port }));
  const known = createOwnServices(services, () => Promise.resolve([]));
  const found = await Promise.all(
    addresses.map(({ address }) => known.includes(address, one.port)),
  );
  return found.includes(true);
}
