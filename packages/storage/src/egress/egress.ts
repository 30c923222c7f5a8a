import type http from "node:http";
import type https from "node:https";
import type { LookupFunction } from "node:net";
import type { Dispatcher } from "undici";

/**
 * Connections to hosts that a user named. Each name is resolved, every address is checked, and the checked address is
 * the one that is dialled, so a name that changes in between gains nothing. A refused address is an `AppError`
 * `permission_denied` with the reason `egress.private_address`.
 */
export interface Egress {
  /** For `net.connect`-like options: resolves and checks, gives only allowed addresses. */
  readonly lookup: LookupFunction;
  readonly httpAgent: http.Agent;
  readonly httpsAgent: https.Agent;
  readonly dispatcher: Dispatcher;
  /** Checks a host before anything is sent; literal addresses too. Rejects as described above; unknown names are `invalid_input` with `egress.unresolvable`. */
  assertAllowed(host: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
