import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { connect, type AddressInfo } from "node:net";
import { once } from "node:events";
import { AppError } from "@bucketbridge/core";
import { makeSelfSignedCertificate } from "@bucketbridge/testkit/self-signed";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { collectBody } from "../../body.ts";
import { createEgress } from "../../egress/create-egress.ts";
import { ObjectStore } from "../../object-store.ts";
import { openRedis, startRedisFixture, type RedisFixture } from "../../testing/redis-harness.ts";

const NO_SERVER = "no redis-server on the PATH: apt-get install redis-server";
const calm = { signal: new AbortController().signal };

let found: RedisFixture | undefined;
beforeAll(async () => {
  found = await startRedisFixture();
});
beforeEach(async ({ skip }) => {
  if (found === undefined) skip(NO_SERVER);
  await found?.session.send("FLUSHALL");
});
afterAll(() => found?.stop());

function fixture(): RedisFixture {
  if (found === undefined) throw new TypeError(NO_SERVER);
  return found;
}

async function storeOn(
  fields: Record<string, unknown> = {},
  direction: "source" | "target" = "source",
): Promise<ObjectStore> {
  const { host, port, egress } = fixture();
  const driver = await openRedis({ host, port: String(port), db: 1, ...fields }, egress, direction);
  return new ObjectStore(driver, { provider: "redis", place: "redis://test" });
}

async function keysOf(store: ObjectStore, limit = 1_000): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const page of store.pages({ limit }, calm)) keys.push(...page.keys);
  return keys.sort();
}

async function seed(...keys: readonly string[]): Promise<void> {
  await fixture().session.send("MSET", ...keys.flatMap((key) => [key, `{"text":"${key}"}`]));
}

async function failureOf(call: Promise<unknown>): Promise<AppError> {
  const error: unknown = await call.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (error instanceof AppError) return error;
  throw new TypeError(`no error of ours: ${String(error)}`);
}

describe("a listing", () => {
  it("never asks for all keys at once", async () => {
    await seed(...Array.from({ length: 3_000 }, (_, index) => `k${String(index)}`));
    await fixture().session.send("CONFIG", "RESETSTAT");
    expect(await keysOf(await storeOn({}), 200)).toHaveLength(3_000);
    const info = String(await fixture().session.send("INFO", "commandstats"));
    expect(info).toContain("cmdstat_scan:");
    expect(info).not.toContain("cmdstat_keys:");
  });

  it.each(["grows", "shrinks"])("loses no key while the table %s", async (way) => {
    const old = Array.from({ length: 1_000 }, (_, index) => `old${String(index)}`);
    const gone = Array.from({ length: 20_000 }, (_, index) => `gone${String(index)}`);
    await seed(...(way === "shrinks" ? [...old, ...gone] : old));
    const store = await storeOn({});
    const seen = new Set<string>();
    let pages = 0;
    for await (const { keys } of store.pages({ limit: 100 }, calm)) {
      for (const key of keys) seen.add(key);
      if (pages++ !== 2) continue;
      if (way === "shrinks") await fixture().session.send("UNLINK", ...gone);
      else await seed(...gone);
    }
    expect(old.filter((key) => !seen.has(key))).toEqual([]);
  });

  it("never gives a key twice within a page", async () => {
    await seed(...Array.from({ length: 2_000 }, (_, index) => `k${String(index)}`));
    for await (const { keys } of (await storeOn({})).pages({ limit: 100 }, calm))
      expect(new Set(keys).size).toBe(keys.length);
  });

  it("takes the path as the beginning of keys, whatever characters it has", async () => {
    await seed("t:1", "t:2", "tt:3", "t*x", "t?x", "[t]1", "other");
    expect(await keysOf(await storeOn({ path: "t:" }))).toEqual(["t:1", "t:2"]);
    expect(await keysOf(await storeOn({ path: "t*" }))).toEqual(["t*x"]);
    expect(await keysOf(await storeOn({ path: "[t]" }))).toEqual(["[t]1"]);
    expect(await keysOf(await storeOn({ path: "t" }))).toEqual([
      "t*x",
      "t:1",
      "t:2",
      "t?x",
      "tt:3",
    ]);
  });

  it("joins a prefix with the path", async () => {
    await seed("a/b/1", "a/c/1");
    const store = await storeOn({ path: "a/" });
    const pages = async (prefix: string): Promise<readonly string[]> => {
      const keys: string[] = [];
      for await (const page of store.pages({ prefix }, calm)) keys.push(...page.keys);
      return keys;
    };
    expect(await pages("a/b/")).toEqual(["a/b/1"]);
    expect((await pages("")).toSorted()).toEqual(["a/b/1", "a/c/1"]);
    expect(await pages("b/")).toEqual([]);
  });

  it("reports names that are no text instead of losing them", async () => {
    const { session } = fixture();
    await session.send("SET", Buffer.from([0x66, 0xff]), "1");
    await session.send("SET", "", "1");
    const { value: page } = await (await storeOn({})).pages({}, calm).next();
    expect(page?.keys).toEqual([]);
    expect(page?.unreadable?.map(({ name }) => name).sort()).toEqual(["", "f\\xff"]);
  });

  it("starts afresh when the server is another one than the cursor's", async () => {
    await seed(...Array.from({ length: 50 }, (_, index) => `k${String(index)}`));
    const first = (await storeOn({})).pages({ limit: 5 }, calm);
    const page = await first.next();
    const cursor = (page.value?.cursor ?? "").replace(/[0-9a-f]{40}/, "0".repeat(40));
    const rest = (await storeOn({})).pages({ limit: 5, cursor }, calm);
    expect(await failureOf(rest.next())).toMatchObject({ reason: "redis.cursor_expired" });
    const broken = (await storeOn({})).pages({ limit: 5, cursor: "no cursor" }, calm);
    expect(await failureOf(broken.next())).toMatchObject({ reason: "redis.cursor_expired" });
  });
});

describe("values", () => {
  it("of another type than string are listed, and say what they are when they are read", async () => {
    await fixture().session.send("HSET", "hash", "f", "v");
    const store = await storeOn({});
    expect(await keysOf(store)).toEqual(["hash"]);
    for (const call of [store.read("hash", {}, calm), store.stat("hash", calm)])
      expect(await failureOf(call)).toMatchObject({
        code: "corrupt_data",
        reason: "redis.not_a_string",
      });
  });

  it("that change while they are read are refused instead of being mixed", async () => {
    const { session } = fixture();
    await session.send("SET", "large", Buffer.alloc(6 * 1024 * 1024));
    const { body } = await (await storeOn({})).read("large", {}, calm);
    const chunks = body[Symbol.asyncIterator]();
    await chunks.next();
    await session.send("APPEND", "large", "x");
    expect(await failureOf(chunks.next())).toMatchObject({
      code: "precondition_failed",
      reason: "redis.changed",
    });
  });

  it.each([
    ["out", "out/42"],
    ["out/", "out/42"],
    ["out:", "out:42"],
    ["", "42"],
  ])("of a target with the path %j are written as %j", async (path, key) => {
    const store = await storeOn({ path }, "target");
    await store.put({ key: "42", body: Buffer.from("{}") }, calm);
    expect(String(await fixture().session.send("GET", key))).toBe("{}");
    expect(await keysOf(store)).toEqual(["42"]);
    expect(String(await collectBody((await store.read("42", {}, calm)).body))).toBe("{}");
    await store.delete("42", calm);
    expect(await fixture().session.send("DBSIZE")).toBe(0);
  });
});

describe("the database", () => {
  it("is the one that was named, 1 for a source and 2 for a target that name none", async () => {
    await seed("here");
    await fixture().session.send("COPY", "here", "there", "DB", "2");
    expect(await keysOf(await storeOn({ db: undefined }))).toEqual(["here"]);
    expect(await keysOf(await storeOn({ db: undefined }, "target"))).toEqual(["there"]);
  });

  it("that the server does not have is an error and not database 0", async () => {
    const failure = await failureOf(keysOf(await storeOn({ db: 99 })));
    expect(failure).toMatchObject({ code: "invalid_config", reason: "redis.wrong_db" });
    expect(failure.message).toContain("database 99");
  });
});

describe("permissions", () => {
  const user = async (
    name: string,
    ...rules: readonly string[]
  ): Promise<Record<string, unknown>> => {
    await fixture().session.send("ACL", "SETUSER", name, "reset", "on", ">pass", ...rules);
    return { username: name, password: "pass" };
  };

  it("SET alone is enough for a target", async () => {
    const fields = await user("writer", "%W~out/*", "+select", "+set");
    const store = await storeOn({ ...fields, path: "out" }, "target");
    await store.put({ key: "1", body: Buffer.from("x") }, calm);
    expect(String(await fixture().session.send("GET", "out/1"))).toBe("x");
    expect(await failureOf(store.delete("1", calm))).toMatchObject({
      reason: "redis.no_permission",
    });
  });

  it("keys that the user may not read are listed and refused one by one", async () => {
    await seed("tasks/1", "other/1");
    const fields = await user("reader", "%R~tasks/*", "+select", "+scan", "+strlen", "+get");
    const store = await storeOn(fields);
    expect(await keysOf(store)).toEqual(["other/1", "tasks/1"]);
    expect((await store.read("tasks/1", {}, calm)).info.size).toBe(18);
    expect(await failureOf(store.read("other/1", {}, calm))).toMatchObject({
      code: "permission_denied",
      reason: "redis.no_permission",
    });
  });
});

describe("the way to the server", () => {
  it("goes through the egress, which refuses the platform's own Redis by address and port", async () => {
    const { port } = fixture();
    const own = createEgress({ allow: ["loopback"], denied: [{ host: "127.0.0.1", port }] });
    const resolver = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
    const named = createEgress({
      allow: ["loopback"],
      denied: [{ host: "localhost", port }],
      resolver,
    });
    const closed = createEgress({ allow: [], denied: [] });
    const cases: readonly [typeof own, string, string][] = [
      [own, "127.0.0.1", "egress.own_service"],
      [own, "127.1", "egress.own_service"],
      [own, "[::ffff:127.0.0.1]", "egress.own_service"],
      [named, "some.name.example", "egress.own_service"],
      [closed, "127.0.0.1", "egress.private_address"],
    ];
    await fixture().session.send("CONFIG", "RESETSTAT");
    for (const [egress, host, reason] of cases) {
      const driver = await openRedis({ host, port: String(port) }, egress);
      const store = new ObjectStore(driver, { provider: "redis", place: "redis://test" });
      expect(await failureOf(store.stat("k", calm))).toMatchObject({
        code: "permission_denied",
        reason,
      });
    }
    expect(String(await fixture().session.send("INFO", "stats"))).toContain(
      "total_connections_received:0",
    );
    for (const egress of [own, named, closed]) await egress.close();
  });

  it("is TLS where the storage says so, and the certificate is checked against the name", async () => {
    const certificate = makeSelfSignedCertificate();
    const { port } = fixture();
    const relay = createTlsServer(certificate, (socket: TLSSocket) => {
      socket.on("error", () => undefined);
      socket
        .pipe(connect(port, "127.0.0.1"))
        .on("error", () => undefined)
        .pipe(socket);
    });
    relay.listen(0, "127.0.0.1");
    await once(relay, "listening");
    const at = {
      host: "localhost",
      port: String((relay.address() as AddressInfo).port),
      tls: true,
    };
    await seed("k");
    const trusted = await storeOn({ ...at, tls_ca: certificate.cert });
    expect(await keysOf(trusted)).toEqual(["k"]);
    const unknown = await storeOn(at);
    expect(await failureOf(keysOf(unknown))).toMatchObject({ reason: "redis.certificate" });
    const plain = await storeOn({ ...at, tls: false });
    expect((await failureOf(keysOf(plain))).reason).toMatch(/^redis\.(protocol|connection_lost)$/);
    await Promise.all([trusted.close(), unknown.close(), plain.close()]);
    relay.close();
  });
});
