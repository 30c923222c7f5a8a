import type { LookupAddress } from "node:dns";
import type http from "node:http";
import type https from "node:https";
import type { Dispatcher } from "undici";

/**
 * Connections to hosts that a user named. Each name is resolved, every address is checked, and a checked address is
 * the one that is dialled, so a name that changes in between gains nothing. All members refuse in the same way:
 * `permission_denied` with `egress.private_address`, `egress.own_service` or `egress.url_not_allowed` (see
 * `isEgressRefusal`), and `egress.unresolvable` (`invalid_input`, or `unavailable` while the name server is silent).
 *
 * Nothing here follows a redirect by itself. Who lets undici's `fetch` follow one has each hop checked as well.
 */
export interface Egress {
  readonly httpAgent: http.Agent;
  readonly httpsAgent: https.Agent;
  readonly dispatcher: Dispatcher;
  /** The checked addresses of a host, for clients that dial themselves: connect to one of these, keep the name for TLS. */
  resolve(host: string, port: number, signal: AbortSignal): Promise<readonly LookupAddress[]>;
  /** Checks a URL before anything is sent. Connections are checked again on their own. */
  assertUrlAllowed(url: string, signal: AbortSignal): Promise<void>;
  /** Closes idle connections and ends the others. Idempotent. */
  close(): Promise<void>;
}
