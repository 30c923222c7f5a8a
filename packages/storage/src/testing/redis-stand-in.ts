import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

/** What a stand-in says to a command: bytes of an answer, nothing at all, or it does something with the connection. */
export type StandInAnswer = string | undefined | ((socket: Socket) => void);

/** A server that answers as a test wants: refusals and misbehaviour that a real Redis shows only when it is in trouble. */
export interface RedisStandIn {
  readonly port: number;
  /** Names of the commands that came, in their order. */
  readonly commands: readonly string[];
  close(): Promise<void>;
}

/** `answer` gets the name of each command in capitals. AUTH and SELECT are granted where it says nothing else. */
export async function startRedisStandIn(
  answer: (command: string) => StandInAnswer,
): Promise<RedisStandIn> {
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (data) => {
      // Tests send short commands: each one comes whole.
      for (const [, name = ""] of data
        .toString("latin1")
        .matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        commands.push(name);
        const said = answer(name);
        if (typeof said === "function") said(socket);
        else if (said !== undefined) socket.write(said);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    commands,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
