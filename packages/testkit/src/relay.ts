import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";

/** A TCP relay in front of a server: takes the server away and gives it back without stopping it. */
export interface Relay {
  readonly port: number;
  /** Listens on `port`. */
  up(): Promise<void>;
  /** Cuts every connection and refuses new ones. */
  down(): Promise<void>;
}

/** Reserves a port for a relay to `target`; it is down at first. */
export async function createRelay(target: { host: string; port: number }): Promise<Relay> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };
  let server: Server | undefined;
  const listen = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const listener = createServer((client) => {
        const upstream = keep(connect(target.port, target.host));
        keep(client).pipe(upstream).pipe(client);
      });
      listener.once("error", reject);
      listener.listen(port, "127.0.0.1", () => {
        server = listener;
        resolve((listener.address() as AddressInfo).port);
      });
    });
  const down = (): Promise<void> =>
    new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      if (server === undefined) {
        resolve();
        return;
      }
      server.close(() => {
        resolve();
      });
      server = undefined;
    });
  const port = await listen(0);
  await down();
  return {
    port,
    up: async () => {
      await listen(port);
    },
    down,
  };
}
