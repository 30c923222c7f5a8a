import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { createEgress, type EgressOptions } from "./create-egress.ts";
import { isEgressRefusal } from "./refusal.ts";
import type { Resolver } from "./resolver.ts";

const signal = new AbortController().signal;

function answering(...answers: readonly string[][]): Resolver {
  let call = 0;
  return () => {
    const addresses = answers[Math.min(call++, answers.length - 1)] ?? [];
    return Promise.resolve(
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  };
}

function failing(code: string): Resolver {
  return () => Promise.reject(Object.assign(new TypeError(code), { code }));
}

async function refusalOf(
  options: Partial<EgressOptions>,
  host: string,
  port = 443,
): Promise<unknown> {
  const egress = createEgress({ allow: [], denied: [], ...options });
  return egress.resolve(host, port, signal).then(
    (addresses) => addresses.map(({ address }) => address),
    (error: unknown) => error,
  );
}

describe("Egress.resolve", () => {
  it("gives the addresses of a public host", async () => {
    expect(await refusalOf({ resolver: answering(["52.1.2.3", "2600::1"]) }, "s3.example")).toEqual(
      ["52.1.2.3", "2600::1"],
    );
  });

  it("says which block a private address lies in and which variable opens it", async () => {
    expect(await refusalOf({ resolver: answering(["10.0.0.7"]) }, "minio.corp")).toMatchObject({
      code: "permission_denied",
      reason: "egress.private_address",
      message:
        "URL resolves to a reserved network address (block: 10.0.0.0/8) Allow it with BUCKETBRIDGE_EGRESS_ALLOW.",
      context: { host: "minio.corp" },
    });
  });

  it.each([
    [["52.1.2.3", "127.0.0.1"]],
    [["127.0.0.1", "52.1.2.3"]],
    [["2600::1", "::ffff:10.0.0.1"]],
  ])("refuses the mixed answers %j as a whole", async (answers) => {
    const error = await refusalOf({ resolver: answering(answers) }, "mixed.example");
    expect(isEgressRefusal(error)).toBe(true);
  });

  it("calls a name that does not exist invalid_input", async () => {
    expect(await refusalOf({ resolver: failing("ENOTFOUND") }, "nope.example")).toMatchObject({
      code: "invalid_input",
      reason: "egress.unresolvable",
      message: "Can't resolve hostname nope.example",
    });
  });

  it("calls a silent name server unavailable, so that the work is tried again", async () => {
    expect(await refusalOf({ resolver: failing("EAI_AGAIN") }, "slow.example")).toMatchObject({
      code: "unavailable",
      reason: "egress.unresolvable",
    });
  });

  it("stops waiting for a name server when the caller gives up", async () => {
    const controller = new AbortController();
    const egress = createEgress({
      allow: [],
      denied: [],
      resolver: () => new Promise(() => undefined),
    });
    const pending = egress.resolve("slow.example", 443, controller.signal);
    controller.abort();
    await expect(pending).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("own services", () => {
  const own = { allow: ["loopback", "private"], denied: [{ host: "127.0.0.1", port: 5432 }] };

  it.each(["127.0.0.1", "127.0.0.2", "[::1]", "localhost", "2130706433", "[::ffff:127.0.0.1]"])(
    "are refused at %s although loopback is allowed",
    async (host) => {
      expect(await refusalOf(own, host, 5432)).toMatchObject({
        code: "permission_denied",
        reason: "egress.own_service",
      });
    },
  );

  it("are refused at the address of a network card of this machine", async () => {
    const cards = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const external = cards.find(({ internal, family }) => !internal && family === "IPv4");
    if (external === undefined) return;
    const options = { ...own, allow: [...own.allow, external.address] };
    expect(await refusalOf(options, external.address, 5432)).toMatchObject({
      reason: "egress.own_service",
    });
  });

  it("leave other ports of the same host alone", async () => {
    expect(await refusalOf(own, "127.0.0.1", 9000)).toEqual(["127.0.0.1"]);
  });

  it("are found by what their name resolves to", async () => {
    const denied = [{ host: "db.internal", port: 5432 }];
    const options = { allow: ["private"], denied, resolver: answering(["10.0.0.9"]) };
    expect(await refusalOf(options, "alias.example", 5432)).toMatchObject({
      reason: "egress.own_service",
    });
    expect(await refusalOf(options, "alias.example", 9000)).toEqual(["10.0.0.9"]);
  });
});

describe("Egress.assertUrlAllowed", () => {
  const egress = createEgress({ allow: [], denied: [], resolver: answering(["52.1.2.3"]) });

  it.each(["https://s3.example", "http://s3.example:9000/path", " https://s3.example "])(
    "takes %j",
    async (url) => {
      await expect(egress.assertUrlAllowed(url, signal)).resolves.toBeUndefined();
    },
  );

  it.each([
    "minio:9000",
    "ftp://s3.example",
    "file:///etc/passwd",
    "",
    "s3.example",
    "javascript:1",
  ])("refuses %j with the contract's text", async (url) => {
    await expect(egress.assertUrlAllowed(url, signal)).rejects.toMatchObject({
      code: "permission_denied",
      reason: "egress.url_not_allowed",
      message:
        "The provided URL was not allowed. URLs must use http:// or https://, and must not resolve to local or private network addresses when SSRF protection applies.",
    });
  });

  it.each([
    "http://user@127.0.0.1/",
    "http://52.1.2.3@10.0.0.1/",
    "http://0x7f.1:9000",
    "http://[::1]",
  ])("refuses the private address in %j", async (url) => {
    await expect(egress.assertUrlAllowed(url, signal)).rejects.toMatchObject({
      reason: "egress.private_address",
    });
  });
});
