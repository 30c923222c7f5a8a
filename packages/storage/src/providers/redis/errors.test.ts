import { afterAll, afterEach, describe, expect, it } from "vitest";
import { AppError } from "@bucketbridge/core";
import { createEgress } from "../../egress/create-egress.ts";
import { ObjectStore } from "../../object-store.ts";
import { openRedis } from "../../testing/redis-harness.ts";
import {
  startRedisStandIn,
  type RedisStandIn,
  type StandInAnswer,
} from "../../testing/redis-stand-in.ts";
import { classifyRedisError } from "./errors.ts";

const egress = createEgress({ allow: ["loopback"], denied: [] });
const calm = { signal: new AbortController().signal };
const toClose: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close();
});
afterAll(() => egress.close());

type Script = Readonly<Record<string, StandInAnswer>>;

/** A store on a server that grants AUTH and SELECT unless the script says otherwise. */
async function storeOn(
  script: Script,
  fields: Record<string, unknown> = {},
): Promise<{ store: ObjectStore; server: RedisStandIn }> {
  const server = await startRedisStandIn((command) =>
    command in script ? script[command] : "+OK\r\n",
  );
  const port = String(server.port);
  const driver = await openRedis({ host: "127.0.0.1", port, ...fields }, egress);
  const store = new ObjectStore(driver, { provider: "redis", place: "redis://test" });
  toClose.push(store, server);
  return { store, server };
}

async function failureOf(call: Promise<unknown>): Promise<AppError> {
  const error: unknown = await call.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (error instanceof AppError) return error;
  throw new TypeError(`no error of ours: ${String(error)}`);
}

describe("what the server answers", () => {
  it.each([
    ["-NOPERM No permissions to access a key", "permission_denied", "redis.no_permission"],
    ["-NOAUTH Authentication required.", "unauthenticated", "redis.password_required"],
    ["-DENIED Redis is running in protected mode", "unauthenticated", "redis.protected_mode"],
    ["-WRONGTYPE Operation against a key", "corrupt_data", "redis.not_a_string"],
    ["-LOADING Redis is loading the dataset in memory", "unavailable", "redis.loading"],
    ["-BUSY Redis is busy running a script", "unavailable", "redis.busy"],
    ["-OOM command not allowed", "unavailable", "redis.out_of_memory"],
    ["-READONLY You can't write against a read only replica.", "unavailable", "redis.read_only"],
    ["-MISCONF Redis is configured to save RDB snapshots", "unavailable", "redis.cannot_save"],
    ["-MASTERDOWN Link with MASTER is down", "unavailable", "redis.not_ready"],
    ["-NOREPLICAS Not enough good replicas to write.", "unavailable", "redis.not_ready"],
    ["-TRYAGAIN Multiple keys request during rehashing", "unavailable", "redis.not_ready"],
    ["-MOVED 3999 127.0.0.1:6381", "unsupported", "redis.cluster"],
    ["-ASK 3999 127.0.0.1:6381", "unsupported", "redis.cluster"],
    ["-CROSSSLOT Keys in request", "unsupported", "redis.cluster"],
    ["-CLUSTERDOWN The cluster is down", "unsupported", "redis.cluster"],
    ["-ERR max number of clients reached", "unavailable", "redis.too_many_clients"],
    ["-ERR unknown command 'GET'", "unsupported", "redis.unknown_command"],
    ["-ERR something else", "invalid_input", "redis.refused"],
    ["-SOMETHING new", "invalid_input", "redis.refused"],
    ["HTTP/1.1 400 Bad Request", "invalid_config", "redis.protocol"],
    ["$99999999999", "invalid_config", "redis.protocol"],
  ])("knows %j as %s", async (answer, code, reason) => {
    const { store } = await storeOn({ STRLEN: `${answer}\r\n` });
    const error = await failureOf(store.stat("k", calm));
    expect(error).toMatchObject({ code, reason, op: "storage.stat" });
    expect(error.message).toMatch(/^redis: could not look up "k" in redis:\/\/test: [^.]+[^.]$/s);
  });

  it.each([
    ["-WRONGPASS invalid username-password pair", "unauthenticated", "redis.wrong_password"],
    ["-ERR invalid password", "unauthenticated", "redis.wrong_password"],
    [
      "-ERR AUTH <password> called without any password configured for the default user",
      "invalid_config",
      "redis.no_password_set",
    ],
  ])("knows %j of AUTH as %s, and never goes on without", async (answer, code, reason) => {
    const script = { AUTH: `${answer}\r\n` };
    const { store, server } = await storeOn(script, { password: "s3cret-canary" });
    const error = await failureOf(store.stat("k", calm));
    expect(error).toMatchObject({ code, reason });
    expect(JSON.stringify([error.message, error.context])).not.toContain("s3cret-canary");
    expect(server.commands).toEqual(["AUTH"]);
  });

  it.each([
    ["-ERR DB index is out of range", "invalid_config", "redis.wrong_db"],
    ["-ERR invalid DB index", "invalid_config", "redis.wrong_db"],
    [
      "-NOPERM this user has no permissions to run the 'select' command",
      "invalid_config",
      "redis.wrong_db",
    ],
    ["-ERR SELECT is not allowed in cluster mode", "unsupported", "redis.cluster"],
    ["-NOAUTH Authentication required.", "unauthenticated", "redis.password_required"],
  ])("knows %j of SELECT as %s, and never works on database 0", async (answer, code, reason) => {
    const { store, server } = await storeOn({ SELECT: `${answer}\r\n` });
    expect(await failureOf(store.stat("k", calm))).toMatchObject({ code, reason });
    expect(server.commands).toEqual(["SELECT"]);
  });
});

describe("what happens to the connection", () => {
  it("says that nobody listens", async () => {
    const { store, server } = await storeOn({});
    await server.close();
    toClose.pop();
    expect(await failureOf(store.stat("k", calm))).toMatchObject({
      code: "unavailable",
      reason: "redis.unreachable",
    });
  });

  it("says that it was lost, and makes a new one for the next call", async () => {
    let calls = 0;
    const server = await startRedisStandIn((command) => {
      if (command !== "STRLEN") return "+OK\r\n";
      return ++calls === 1 ? (socket) => socket.resetAndDestroy() : ":3\r\n";
    });
    const fields = { host: "127.0.0.1", port: String(server.port) };
    const driver = await openRedis(fields, egress);
    const store = new ObjectStore(driver, { provider: "redis", place: "redis://test" });
    toClose.push(store, server);
    expect(await failureOf(store.stat("k", calm))).toMatchObject({
      code: "unavailable",
      reason: "redis.connection_lost",
    });
    expect(await store.stat("k", calm)).toMatchObject({ size: 3 });
    expect(server.commands).toEqual(["SELECT", "STRLEN", "SELECT", "STRLEN"]);
  });

  it("rejects everybody who waits when the server closes", async () => {
    const { store } = await storeOn({ STRLEN: (socket) => socket.end() });
    const failures = await Promise.all(["a", "b"].map((key) => failureOf(store.stat(key, calm))));
    for (const failure of failures) expect(failure.reason).toBe("redis.connection_lost");
  });

  it("leaves the call at once when its signal is aborted, although the server is silent", async () => {
    const { store } = await storeOn({ STRLEN: undefined });
    const signal = AbortSignal.timeout(30);
    expect(await failureOf(store.stat("k", { signal }))).toMatchObject({ code: "canceled" });
  });

  it("gives up a server that sends answers that nobody asked for, and stays alive", async () => {
    const { store } = await storeOn({ STRLEN: ":3\r\n$-1\r\n" });
    await store.stat("k", calm).catch(() => undefined);
    const { store: other } = await storeOn({ STRLEN: ":3\r\n" });
    expect(await other.stat("k", calm)).toMatchObject({ size: 3 });
  });

  it("does not believe a length beyond what Redis can hold", async () => {
    const { store } = await storeOn({ STRLEN: `:${String(2 ** 40)}\r\n` });
    expect(await failureOf(store.read("k", {}, calm))).toMatchObject({
      code: "corrupt_data",
      reason: "redis.value_too_large",
    });
  });
});

describe("errors of sockets and TLS", () => {
  it.each([
    ["ECONNRESET", "unavailable", "redis.connection_lost"],
    ["EPIPE", "unavailable", "redis.connection_lost"],
    ["EHOSTUNREACH", "unavailable", "redis.unreachable"],
    ["ETIMEDOUT", "timeout", "redis.timeout"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "invalid_config", "redis.certificate"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "invalid_config", "redis.certificate"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "invalid_config", "redis.protocol"],
  ])("knows %s", (code, ours, reason) => {
    const error = Object.assign(new TypeError("of the system"), { code });
    expect(classifyRedisError(error)).toMatchObject({ code: ours, reason });
  });

  it("knows a deadline of the connection", () => {
    expect(classifyRedisError(new DOMException("late", "TimeoutError"))).toMatchObject({
      code: "timeout",
      reason: "redis.timeout",
    });
  });
});
