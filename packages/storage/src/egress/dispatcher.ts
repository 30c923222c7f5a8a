import { Agent, buildConnector, type Dispatcher } from "undici";
import type { ConnectGuard } from "./address-guard.ts";
import { pinnedLookup } from "./pinned-lookup.ts";

/**
 * For undici's own `fetch` and `request` (never Node's built-in fetch, whose copy of undici is another version).
 * `verifyTls` false takes any certificate; addresses are checked all the same.
 */
export function createGuardedDispatcher(
  guard: ConnectGuard,
  { verifyTls = true }: { readonly verifyTls?: boolean } = {},
): Dispatcher {
  return new Agent({
    connect: (options, callback) => {
      const port = Number(options.port) || (options.protocol === "https:" ? 443 : 80);
      guard.resolve(options.hostname, port).then(
        (addresses) => {
          buildConnector({
            allowH2: false,
            lookup: pinnedLookup(addresses),
            rejectUnauthorized: verifyTls,
          })({ ...options, socketPath: null }, callback);
        },
        (error: unknown) => {
          callback(error as Error, null);
        },
      );
    },
  });
}
