import type { LookupAddress } from "node:dns";
import { AddressGuard, type ConnectGuard } from "./address-guard.ts";
import type { Egress } from "./egress.ts";
import { guardedEgress } from "./guarded-egress.ts";
import { createOwnServices, type ServiceAddress } from "./own-services.ts";
import { parsePlatformHosts, toPlainHost, type PlatformHosts } from "./platform-hosts.ts";
import { refusedPlatformHost } from "./refusal.ts";
import { systemResolver, type Resolver } from "./resolver.ts";

/** How the platform egress is set up. */
export interface PlatformEgressOptions {
  /** What the operator set in the vendors' own endpoint variables: URLs, host names or addresses. */
  readonly hosts: readonly string[];
  /** Our own PostgreSQL and Redis, refused whatever `hosts` says. */
  readonly denied: readonly ServiceAddress[];
  /** The system's resolver unless a test gives another. */
  readonly resolver?: Resolver | undefined;
}

/**
 * Makes the way of the platform's own identity to the clouds' identity services: a fixed list of hosts and those of
 * `hosts`, at private addresses too. Every other host is `permission_denied` with `egress.platform_host`, so that no
 * setting of a user can ever receive what the platform signs. Only the composition of a process makes one, only
 * `credentials.ts` of a provider uses it.
 */
export function createPlatformEgress(options: PlatformEgressOptions): Egress {
  const resolver = options.resolver ?? systemResolver;
  const addresses = new AddressGuard({
    allow: { permits: () => true, opensMetadataNames: true },
    own: createOwnServices(options.denied, resolver),
    resolver,
  });
  return guardedEgress(new PlatformGuard(parsePlatformHosts(options.hosts), addresses));
}

class PlatformGuard implements ConnectGuard {
  readonly #hosts: PlatformHosts;
  readonly #addresses: AddressGuard;

  constructor(hosts: PlatformHosts, addresses: AddressGuard) {
    this.#hosts = hosts;
    this.#addresses = addresses;
  }

  async resolve(
    host: string,
    port: number,
    signal?: AbortSignal,
  ): Promise<readonly LookupAddress[]> {
    if (!this.#hosts.includes(toPlainHost(host), port)) throw refusedPlatformHost(host);
    return this.#addresses.resolve(host, port, signal);
  }
}
