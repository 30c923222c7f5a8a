import http from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import type { ConnectGuard } from "./address-guard.ts";
import { pinnedLookup } from "./pinned-lookup.ts";

type Created = (error: Error | null, stream: Duplex) => void;

/** Idle connections are closed by us after this long, before most stores do it themselves. */
const AGENT_OPTIONS = {
  keepAlive: true,
  maxSockets: 256,
  maxFreeSockets: 64,
  timeout: 120_000,
} as const;

/** Checks before it connects, also where the host is an IP literal, for which Node never asks a `lookup`. */
export class GuardedHttpAgent extends http.Agent {
  readonly #guard: ConnectGuard;

  constructor(guard: ConnectGuard) {
    super(AGENT_OPTIONS);
    this.#guard = guard;
  }

  override createConnection(options: http.ClientRequestArgs, callback?: Created): undefined {
    const connect = (checked: http.ClientRequestArgs): Duplex | null | undefined =>
      super.createConnection(checked);
    connectChecked(this.#guard, options, { connect, callback });
  }
}

/** As `GuardedHttpAgent`, over TLS; the certificate is checked against the name, not the address. */
export class GuardedHttpsAgent extends https.Agent {
  readonly #guard: ConnectGuard;

  constructor(guard: ConnectGuard) {
    super(AGENT_OPTIONS);
    this.#guard = guard;
  }

  override createConnection(options: https.RequestOptions, callback?: Created): undefined {
    const connect = (checked: https.RequestOptions): Duplex | null | undefined =>
      super.createConnection(checked);
    connectChecked(this.#guard, options, { connect, callback });
  }
}

interface Connecting<Options> {
  readonly connect: (options: Options) => Duplex | null | undefined;
  readonly callback: Created | undefined;
}

function connectChecked<Options extends http.ClientRequestArgs>(
  guard: ConnectGuard,
  options: Options,
  { connect, callback }: Connecting<Options>,
): void {
  const refuse = callback as ((error: unknown) => void) | undefined;
  guard.resolve(options.host ?? "", Number(options.port ?? 0)).then(
    (addresses) => {
      const checked = { socketPath: undefined, path: undefined, lookup: pinnedLookup(addresses) };
      const socket = connect({ ...options, ...checked });
      if (socket) callback?.(null, socket);
    },
    (error: unknown) => {
      refuse?.(error);
    },
  );
}
