import { readFileSync } from "node:fs";
import { startRedis, findRedisServer } from "@bucketbridge/testkit/redis";
import type { StorageDriver } from "../driver.ts";
import { createEgress } from "../egress/create-egress.ts";
import { dial } from "../egress/dial.ts";
import type { Egress } from "../egress/egress.ts";
import { RedisClient } from "../providers/redis/client.ts";
import { resolveCredentials } from "../providers/redis/credentials.ts";
import { redisProvider } from "../providers/redis/index.ts";
import type { CommandPart } from "../providers/redis/resp.ts";
import { toPlace } from "../providers/redis/settings.ts";
import { RedisSession } from "../providers/redis/session.ts";
import type { DriverHarness, HarnessUnavailable } from "./harness.ts";
import { makeProviderDeps, makeStorageContext } from "./provider-deps.ts";

/** Opens the driver as the processes do, from the fields of the wire. */
export function openRedis(
  fields: Record<string, unknown>,
  egress: Egress,
  direction: "source" | "target" = "source",
): Promise<StorageDriver> {
  return redisProvider.open(
    redisProvider.settings.parse(fields),
    makeProviderDeps(egress),
    makeStorageContext({ direction }),
  );
}

/** A server of our own, with users, and a way past the driver. */
export interface RedisFixture {
  readonly host: string;
  readonly port: number;
  readonly egress: Egress;
  /** Database 1, as the server's default user. */
  readonly session: RedisSession;
  stop(): Promise<void>;
}

/** The database that the suite fills and empties. */
const DB = 1;
const FULL = { username: "full", password: "full-password" };
/** May do what its name says, and SELECT. */
const LISTER = { username: "lister", password: "lister-password" };
const WRITER = { username: "writer", password: "writer-password" };
const BLIND = { username: "blind", password: "blind-password" };

/** Undefined: there is no `redis-server`. */
export async function startRedisFixture(): Promise<RedisFixture | undefined> {
  const program = findRedisServer();
  if (program === undefined) return undefined;
  const server = await startRedis(program);
  const { hostname: host, port } = new URL(server.url);
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  const place = { host, port: Number(port) };
  const session = new RedisSession(await dial(egress, place, AbortSignal.timeout(10_000)));
  await session.send("SELECT", String(DB));
  const full = ["ACL", "SETUSER", FULL.username, "on", `>${FULL.password}`, "~*", "&*", "+@all"];
  await session.send(...full);
  const blind = ["on", `>${BLIND.password}`, "resetkeys", "-@all", "+select"];
  await session.send("ACL", "SETUSER", BLIND.username, ...blind);
  for (const [{ username, password }, command] of [
    [LISTER, "+scan"],
    [WRITER, "+set"],
  ] as const) {
    const rules = ["on", `>${password}`, "%R~*", "%W~*", "-@all", "+select", command];
    await session.send("ACL", "SETUSER", username, ...rules);
  }
  return {
    ...place,
    egress,
    session,
    stop: async () => {
      session.fail(new TypeError("the test is over"));
      await egress.close();
      await server.stop();
    },
  };
}

/** The driver on a real server that is started for it. */
export async function redisHarness(): Promise<DriverHarness | HarnessUnavailable> {
  const fixture = await startRedisFixture();
  if (fixture === undefined) {
    const unavailable = "no redis-server on the PATH: apt-get install redis-server";
    return { name: "redis", service: "server", unavailable };
  }
  const { host, port, session, egress } = fixture;
  const open = (fields: Record<string, unknown>): Promise<StorageDriver> =>
    openRedis({ host, port: String(port), db: DB, ...fields }, egress);
  return {
    name: "redis",
    service: "server",
    secrets: [FULL.password, BLIND.password, "wrong-secret"],
    open: () => open(FULL),
    openDenied: () => open(BLIND),
    openLister: () => open(LISTER),
    openWriter: () => open(WRITER),
    openBadCredentials: () => open({ ...FULL, password: "wrong-secret" }),
    seed: async (key, body) => {
      await session.send("SET", key, body);
    },
    clear: async () => {
      await session.send("FLUSHDB");
    },
    dispose: () => fixture.stop(),
  };
}

/**
 * The driver on the database that BUCKETBRIDGE_TEST_REDIS_URL names (`rediss://user:password@host:6380/7`). It is emptied.
 * BUCKETBRIDGE_TEST_REDIS_CA names the file with the certificate of an authority of its own.
 */
export function redisAccountHarness(
  environment: NodeJS.ProcessEnv = process.env,
): DriverHarness | HarnessUnavailable {
  const target = { name: "redis", service: "account" };
  const text = environment["BUCKETBRIDGE_TEST_REDIS_URL"] ?? "";
  if (text === "")
    return { ...target, unavailable: "BUCKETBRIDGE_TEST_REDIS_URL names no database" };
  const url = new URL(text);
  const caFile = environment["BUCKETBRIDGE_TEST_REDIS_CA"] ?? "";
  const fields = {
    host: url.hostname,
    port: url.port,
    db: Number(url.pathname.slice(1)),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    tls: url.protocol === "rediss:",
    tls_ca: caFile === "" ? "" : readFileSync(caFile, "utf8"),
  };
  const egress = createEgress({ allow: ["loopback", "private"], denied: [] });
  const settings = redisProvider.settings.parse(fields);
  const client = new RedisClient({
    place: toPlace(settings, "source"),
    credentials: resolveCredentials(settings),
    egress,
  });
  const { signal } = new AbortController();
  const send = async (...parts: readonly CommandPart[]): Promise<void> => {
    await client.run((session) => session.send(...parts), signal);
  };
  return {
    ...target,
    secrets: fields.password === "" ? [] : [fields.password],
    open: () => openRedis(fields, egress),
    seed: (key, body) => send("SET", key, body),
    clear: () => send("FLUSHDB"),
    dispose: async () => {
      await client.close();
      await egress.close();
    },
  };
}
