import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { INNER_SPELLINGS, LOOPBACK_SPELLINGS } from "@bucketbridge/testkit/private-hosts";
import { fetch, request } from "undici";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createEgress } from "./create-egress.ts";
import type { Egress } from "./egress.ts";
import type { Resolver } from "./resolver.ts";

const names: Record<string, readonly string[]> = {
  "mixed.example": ["52.1.2.3", "127.0.0.1"],
};

/** Every name is an inner one here, as nip.io and a hostile zone answer. */
const hostileResolver: Resolver = (host) =>
  Promise.resolve((names[host] ?? ["127.0.0.1"]).map((address) => ({ address, family: 4 })));

type Client = (egress: Egress, origin: string) => Promise<unknown>;

function nodeRequest(
  module: typeof http | typeof https,
  agent: http.Agent,
  target: string | { host: string; port: string },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = typeof target === "string" ? {} : target;
    const url = typeof target === "string" ? target : "http://host.invalid";
    const outgoing = module.get(url, { ...options, agent }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    outgoing.on("error", reject);
  });
}

const CLIENTS: Record<string, Client> = {
  "the http agent": (egress, host) => nodeRequest(http, egress.httpAgent, `http://${host}`),
  "the http agent with the host as it was typed": (egress, typed) => {
    const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(typed) ?? [];
    return nodeRequest(http, egress.httpAgent, { host: host.replace(/^\[|\]$/g, ""), port });
  },
  "the https agent": (egress, host) => nodeRequest(https, egress.httpsAgent, `https://${host}`),
  "undici request": (egress, host) => request(`http://${host}`, { dispatcher: egress.dispatcher }),
  "undici fetch over https": (egress, host) =>
    fetch(`https://${host}`, { dispatcher: egress.dispatcher }),
};

describe("the loopback canary", () => {
  const hits: string[] = [];
  const canary = http.createServer((_request, response) => {
    response.end("canary");
  });
  let port = 0;

  beforeAll(async () => {
    canary.on("connection", (socket) => hits.push(socket.localAddress ?? ""));
    await new Promise<void>((resolve) => canary.listen(0, "::", resolve));
    port = (canary.address() as AddressInfo).port;
  });
  beforeEach(() => {
    hits.length = 0;
  });
  afterAll(() => {
    canary.closeAllConnections();
    canary.close();
  });

  it.each([...LOOPBACK_SPELLINGS, ...INNER_SPELLINGS])(
    "is never reached through %j",
    async (host) => {
      const egress = createEgress({ allow: [], denied: [], resolver: hostileResolver });
      for (const [name, client] of Object.entries(CLIENTS)) {
        // fetch refuses a URL with credentials by itself, before anybody is asked.
        if (name.includes("fetch") && host.includes("@")) continue;
        const error: unknown = await client(egress, `${host}:${String(port)}`).then(
          () => "answered",
          (thrown: unknown) => thrown,
        );
        expect(rootOf(error), `${host} by ${name}`).toMatchObject({
          code: "permission_denied",
          reason: "egress.private_address",
        });
      }
      expect(hits).toEqual([]);
      await egress.close();
    },
  );

  it.each(LOOPBACK_SPELLINGS)("is reached through %j when the operator opens it", async (host) => {
    const egress = createEgress({
      allow: ["loopback", "0.0.0.0", "::"],
      denied: [],
      resolver: hostileResolver,
    });
    await CLIENTS["the http agent"]?.(egress, `${host}:${String(port)}`);
    expect(hits.length).toBeGreaterThan(0);
    await egress.close();
  });

  it("is not reached by a name that turns inward after the check", async () => {
    let call = 0;
    const rebinding: Resolver = () =>
      Promise.resolve([{ address: call++ === 0 ? "52.1.2.3" : "127.0.0.1", family: 4 }]);
    const egress = createEgress({ allow: [], denied: [], resolver: rebinding });
    await egress.assertUrlAllowed(
      `http://rebind.example:${String(port)}`,
      new AbortController().signal,
    );
    await expect(
      nodeRequest(http, egress.httpAgent, `http://rebind.example:${String(port)}`),
    ).rejects.toMatchObject({ reason: "egress.private_address" });
    expect(hits).toEqual([]);
    await egress.close();
  });

  it("asks the name server once per connection and dials that answer", async () => {
    let calls = 0;
    const counting: Resolver = () =>
      Promise.resolve([{ address: calls++ === 0 ? "127.0.0.1" : "52.1.2.3", family: 4 }]);
    const egress = createEgress({ allow: ["loopback"], denied: [], resolver: counting });
    expect(await nodeRequest(http, egress.httpAgent, `http://once.example:${String(port)}`)).toBe(
      200,
    );
    expect(calls).toBe(1);
    await egress.close();
  });

  it.each([301, 302, 303, 307, 308])(
    "is not reached by a redirect with status %i",
    async (status) => {
      const redirector = http.createServer((_request, response) => {
        response.writeHead(status, { location: `http://127.0.0.2:${String(port)}/` }).end();
      });
      await new Promise<void>((resolve) => redirector.listen(0, "127.0.0.1", resolve));
      const origin = `http://127.0.0.1:${String((redirector.address() as AddressInfo).port)}`;
      const egress = createEgress({ allow: ["127.0.0.1"], denied: [], resolver: hostileResolver });
      expect(await nodeRequest(http, egress.httpAgent, origin)).toBe(status);
      await expect(fetch(origin, { dispatcher: egress.dispatcher })).rejects.toThrow();
      expect(hits).toEqual([]);
      await egress.close();
      redirector.close();
    },
  );
});

/** fetch wraps what the connection threw. */
function rootOf(error: unknown): unknown {
  return error instanceof TypeError && error.cause !== undefined ? error.cause : error;
}
