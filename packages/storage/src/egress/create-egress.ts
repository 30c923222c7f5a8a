import { AddressGuard } from "./address-guard.ts";
import { parseAllowList } from "./allow-list.ts";
import type { Egress } from "./egress.ts";
import { guardedEgress } from "./guarded-egress.ts";
import { createOwnServices, type ServiceAddress } from "./own-services.ts";
import { systemResolver, type Resolver } from "./resolver.ts";

/** How the tenant egress is set up. */
export interface EgressOptions {
  /** `BUCKETBRIDGE_EGRESS_ALLOW`: CIDRs, addresses, host names, `loopback`, `private`. Empty: public addresses only. */
  readonly allow: readonly string[];
  /** Our own PostgreSQL and Redis, refused whatever `allow` says. */
  readonly denied: readonly ServiceAddress[];
  /** The system's resolver unless a test gives another. */
  readonly resolver?: Resolver | undefined;
}

/** Makes the one way out to hosts that users named. Throws `invalid_config` for an entry of `allow` that means nothing. */
export function createEgress(options: EgressOptions): Egress {
  const resolver = options.resolver ?? systemResolver;
  const guard = new AddressGuard({
    allow: parseAllowList(options.allow),
    own: createOwnServices(options.denied, resolver),
    resolver,
  });
  return guardedEgress(guard);
}
