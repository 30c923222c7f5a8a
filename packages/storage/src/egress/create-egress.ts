import { AddressGuard } from "./address-guard.ts";
import { GuardedHttpAgent, GuardedHttpsAgent } from "./agents.ts";
import { parseAllowList } from "./allow-list.ts";
import { createGuardedDispatcher } from "./dispatcher.ts";
import type { Egress } from "./egress.ts";
import { createOwnServices, type ServiceAddress } from "./own-services.ts";
import { refusedUrl } from "./refusal.ts";
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
  const httpAgent = new GuardedHttpAgent(guard);
  const httpsAgent = new GuardedHttpsAgent(guard);
  const dispatcher = createGuardedDispatcher(guard);
  return {
    httpAgent,
    httpsAgent,
    dispatcher,
    resolve: (host, port, signal) => guard.resolve(host, port, signal),
    async assertUrlAllowed(text, signal) {
      const url = URL.parse(text.trim());
      if (url === null || !["http:", "https:"].includes(url.protocol)) throw refusedUrl();
      await guard.resolve(
        url.hostname,
        Number(url.port) || (url.protocol === "https:" ? 443 : 80),
        signal,
      );
    },
    async close() {
      httpAgent.destroy();
      httpsAgent.destroy();
      await dispatcher.destroy();
    },
  };
}
