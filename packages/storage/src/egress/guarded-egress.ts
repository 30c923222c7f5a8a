import type { ConnectGuard } from "./address-guard.ts";
import { GuardedHttpAgent, GuardedHttpsAgent } from "./agents.ts";
import { createGuardedDispatcher } from "./dispatcher.ts";
import type { Egress } from "./egress.ts";
import { refusedUrl } from "./refusal.ts";

/** Agents, dispatcher and checks whose every connection is asked of one guard. */
export function guardedEgress(guard: ConnectGuard): Egress {
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
