import type { Dispatcher } from "undici";
import { createGuardedDispatcher } from "./dispatcher.ts";
import type { Egress } from "./egress.ts";

/** Where the caller of a connection has no signal of his own. */
const NEVER = new AbortController().signal;

/**
 * A dispatcher that takes any certificate, for hosts whose user asked for that. Each address is checked and pinned as the egress
 * does it. The caller destroys it.
 */
export function createUnverifiedDispatcher(egress: Pick<Egress, "resolve">): Dispatcher {
  const guard = {
    resolve: (host: string, port: number, signal: AbortSignal = NEVER) =>
      egress.resolve(host, port, signal),
  };
  return createGuardedDispatcher(guard, { verifyTls: false });
}
