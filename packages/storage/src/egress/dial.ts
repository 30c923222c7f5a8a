import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Egress } from "./egress.ts";
import { pinnedLookup } from "./pinned-lookup.ts";

/** Where to, for protocols that are not HTTP. */
export interface DialRequest {
  readonly host: string;
  readonly port: number;
  /** Present: TLS, checked against the host's name; `ca` in PEM replaces the authorities that Node trusts. */
  readonly tls?: { readonly ca?: string | undefined } | undefined;
}

/** An idle connection is asked for signs of life after this long. */
const KEEP_ALIVE_MS = 30_000;

/**
 * A connected socket (with TLS: after the handshake) to an address that the egress has checked. Rejects with the egress's
 * refusal, the error of the system or of TLS, or the signal's reason. Whoever gets the socket closes it; errors that
 * nobody listens for do not end the process.
 */
export async function dial(
  egress: Pick<Egress, "resolve">,
  { host, port, tls }: DialRequest,
  signal: AbortSignal,
): Promise<Socket> {
  const addresses = await egress.resolve(host, port, signal);
  const name = host.replace(/^\[|\]$/g, "");
  const target = { host: name, port, lookup: pinnedLookup(addresses) };
  const socket =
    tls === undefined
      ? connectTcp(target)
      : connectTls({
          ...target,
          ...(isIP(name) === 0 ? { servername: name } : {}),
          ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        });
  socket.on("error", () => undefined);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  await untilConnected(socket, tls === undefined ? "connect" : "secureConnect", signal);
  return socket;
}

function untilConnected(
  socket: Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onClose = (): void => {
      fail(Object.assign(new TypeError("closed while connecting"), { code: "ECONNRESET" }));
    };
    const onAbort = (): void => {
      fail(signal.reason as Error);
    };
    const onConnected = (): void => {
      settle();
      resolve();
    };
    const settle = (): void => {
      socket.off(event, onConnected).off("error", fail).off("close", onClose);
      signal.removeEventListener("abort", onAbort);
    };
    socket.once(event, onConnected).once("error", fail).once("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
