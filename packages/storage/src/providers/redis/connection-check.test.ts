import { afterAll, afterEach, describe, expect, it } from "vitest";
import { createEgress } from "../../egress/create-egress.ts";
import { openRedis } from "../../testing/redis-harness.ts";
import {
  startRedisStandIn,
  type RedisStandIn,
  type StandInAnswer,
} from "../../testing/redis-stand-in.ts";
import { redisProvider } from "./index.ts";

const egress = createEgress({ allow: ["loopback"], denied: [] });
const closed = createEgress({ allow: [], denied: [] });
const EMPTY = "*2\r\n$1\r\n0\r\n*0\r\n";
let server: RedisStandIn | undefined;

afterEach(() => server?.close());
afterAll(async () => {
  await egress.close();
  await closed.close();
});

interface Check {
  readonly script?: Readonly<Record<string, StandInAnswer>>;
  readonly fields?: Record<string, unknown>;
  readonly direction?: "source" | "target";
  readonly way?: typeof egress;
}

async function check({ script = {}, fields = {}, direction = "source", way = egress }: Check) {
  server = await startRedisStandIn((command) => {
    if (command in script) return script[command];
    return command === "SCAN" ? EMPTY : "+OK\r\n";
  });
  const values = { host: "127.0.0.1", port: String(server.port), ...fields };
  const driver = await openRedis(values, way, direction);
  const options = { direction, prefix: "", signal: AbortSignal.timeout(2_000) };
  try {
    await redisProvider.validate(driver, redisProvider.settings.parse(values), options);
    return "valid";
  } catch (error) {
    return error;
  } finally {
    await driver.close();
  }
}

describe("the contract's check of a connection", () => {
  it.each(["source", "target"] as const)(
    "passes for a %s on an empty database",
    async (direction) => {
      expect(await check({ direction })).toBe("valid");
    },
  );

  it.each(["source", "target"] as const)(
    "has the contract's words for a %s that nobody listens to",
    async (direction) => {
      const error = await check({ direction, fields: { port: "1" } });
      expect(error).toMatchObject({
        code: "unavailable",
        reason: "redis.unreachable",
        message:
          direction === "source"
            ? "Can't connect to Redis server."
            : "Error 111 connecting to 127.0.0.1:1. Connection refused.",
      });
    },
  );

  it("says what is wrong besides, where the server told it", async () => {
    const refused = { AUTH: "-WRONGPASS invalid username-password pair\r\n" };
    const error = await check({ script: refused, fields: { password: "wrong" } });
    expect(error).toMatchObject({
      code: "unauthenticated",
      message:
        "Can't connect to Redis server. The server does not accept username and password (WRONGPASS); enter the password again, and the username if the server has users",
    });
  });

  it("calls a target that may not list permission_denied, which its caller makes a warning", async () => {
    const script = { SCAN: "-NOPERM no permissions to run the 'scan' command\r\n" };
    expect(await check({ direction: "target", script })).toMatchObject({
      code: "permission_denied",
    });
  });

  it("never calls a target without its database that", async () => {
    const script = { SELECT: "-NOPERM no permissions to run the 'select' command\r\n" };
    expect(await check({ direction: "target", script })).toMatchObject({
      code: "invalid_config",
      reason: "redis.wrong_db",
    });
  });

  it("leaves the refusal of an address as it is", async () => {
    expect(await check({ way: closed })).toMatchObject({
      reason: "egress.private_address",
      message:
        "URL resolves to a reserved network address (block: 127.0.0.0/8) Allow it with BUCKETBRIDGE_EGRESS_ALLOW.",
    });
  });
});
