import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { FastifyReply } from "fastify";
import { afterEach, expect, it } from "vitest";
import { clientSignal, onceClosed } from "./client-signal.ts";

const server = http.createServer();

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

it("knows of a client that left before anybody asked", async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const request = http.get({ host: "127.0.0.1", port });
  request.on("error", () => undefined);
  const [, raw] = (await once(server, "request")) as [unknown, FastifyReply["raw"]];
  request.destroy();
  await once(raw, "close");
  let calls = 0;
  onceClosed(raw, () => calls++);
  expect(calls).toBe(1);
  expect(clientSignal({ raw } as FastifyReply).aborted).toBe(true);
});
