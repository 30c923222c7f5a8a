import { createServer, type AddressInfo } from "node:net";

/** Spellings of hosts that end at a loopback listener when nobody checks; the names do where a hostile zone answers. */
export const LOOPBACK_SPELLINGS: readonly string[] = [
  "127.0.0.1",
  "127.0.0.2",
  "127.255.255.254",
  "127.1",
  "127.0.1",
  "127.000.000.001",
  "2130706433",
  "0x7f000001",
  "0x7F.1",
  "0x7f.0x0.0x0.0x1",
  "0177.0.0.1",
  "017700000001",
  "0177.0x0.0.1",
  "0",
  "0.0.0.0",
  "0x0",
  "localhost",
  "LOCALHOST",
  "localhost.",
  "127.0.0.1.",
  "１２７.0.0.1",
  "①②⑦.⓪.⓪.①",
  "127。0。0。1",
  "user@127.0.0.1",
  "52.1.2.3@127.0.0.1",
  "user:secret@localhost",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[0000::0001]",
  "[::]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[::FFFF:127.0.0.1]",
  "[0:0:0:0:0:ffff:7f00:0001]",
  "127.0.0.1.nip.io",
  "7f000001.nip.io",
  "rebind.example",
  "mixed.example",
  "cname.example",
];

/** Spellings of other inner addresses: no listener of a test is there, so only the refusal counts. */
export const INNER_SPELLINGS: readonly string[] = [
  "169.254.169.254",
  "0xa9fea9fe",
  "2852039166",
  "0251.0376.0251.0376",
  "169.254.169.254.",
  "[::ffff:169.254.169.254]",
  "[::ffff:a9fe:a9fe]",
  "[64:ff9b::a9fe:a9fe]",
  "[2002:a9fe:a9fe::]",
  "[fd00:ec2::254]",
  "metadata.google.internal",
  "METADATA",
  "10.0.0.1",
  "012.0.0.1",
  "172.16.0.1",
  "192.168.0.1",
  "192.168.257",
  "100.64.0.1",
  "[fe80::1]",
  "[fc00::1]",
  "[::127.0.0.1]",
  "[2002:7f00:1::]",
  "[64:ff9b::7f00:1]",
  "224.0.0.1",
  "255.255.255.255",
];

/** A server on all loopback addresses that counts who comes. */
export interface Tripwire {
  readonly port: number;
  /** Connections so far. */
  readonly connections: number;
  close(): Promise<void>;
}

/** Starts a tripwire on a free port. It answers nothing and hangs up. */
export async function startTripwire(): Promise<Tripwire> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on("error", () => undefined).destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "::", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}
