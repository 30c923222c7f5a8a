import { AppError } from "@bucketbridge/core";
import { startRedisFixture } from "@bucketbridge/storage/testing/redis";
import { findRedisServer } from "@bucketbridge/testkit/redis";
import type { TypeStand } from "./type-stand.ts";

/** Redis on a real server; none where there is no `redis-server` (the conformance suite says so, and `.ci/run` has one). */
export const REDIS_STANDS: readonly (readonly [type: string, open: () => Promise<TypeStand>])[] =
  findRedisServer() === undefined ? [] : [["redis", openStand]];

async function openStand(): Promise<TypeStand> {
  const fixture = await startRedisFixture();
  if (fixture === undefined)
    throw new AppError({ code: "unavailable", message: "the redis-server is gone" });
  const { host, port, session } = fixture;
  await session.send(
    "ACL",
    "SETUSER",
    "only-set",
    "on",
    ">pass",
    "%W~*",
    "-@all",
    "+select",
    "+set",
  );
  return {
    type: "redis",
    settings: { host, port: String(port), db: 1 },
    secrets: {},
    writer: { settings: { username: "only-set" }, secrets: { password: "pass" } },
    worker: {},
    referencePrefix: undefined,
    seed: async (key, body) => {
      await session.send("SET", key, body);
    },
    keys: async () => {
      const keys = await session.send("KEYS", "*");
      return Array.isArray(keys) ? keys.map(String) : [];
    },
    read: async (key) => String(await session.send("GET", key)),
    close: () => fixture.stop(),
  };
}
