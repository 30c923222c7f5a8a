import { defineProvider } from "../definition.ts";
import { RedisClient } from "./client.ts";
import { checkRedisConnection } from "./connection-check.ts";
import { resolveCredentials } from "./credentials.ts";
import { RedisDriver } from "./driver.ts";
import { DEFAULT_DB, keyPrefix, redisSettings, textOf, toPlace } from "./settings.ts";

/** A database of a Redis server: each string value is a file of task definitions, or an exported annotation. */
export const redisProvider = defineProvider({
  name: "redis",
  title: "Redis",
  settings: redisSettings,
  form: [
    { name: "host", label: "Host", type: "text", required: true, placeholder: "redis.example.com" },
    { name: "port", label: "Port", type: "text", placeholder: "6379" },
    { name: "db", label: "Database Number (db)", type: "text", placeholder: "1" },
    {
      name: "path",
      label: "Path",
      type: "text",
      placeholder: "tasks:",
      description: "Keys begin with this",
    },
    {
      name: "username",
      label: "Username",
      type: "text",
      description: "Only for servers with users (ACL)",
    },
    { name: "password", label: "Password", type: "password" },
    { name: "tls", label: "Use TLS", type: "toggle" },
    {
      name: "tls_ca",
      label: "TLS Authority",
      type: "text",
      description: "Certificate in PEM form, only for servers with a private authority",
    },
  ],
  throttledHost: (settings) => {
    const { host, port } = toPlace(settings, "source");
    return `redis://${host.toLowerCase()}:${String(port)}`;
  },
  databaseOf: (settings, direction) => {
    const { host, port, db } = toPlace(settings, direction);
    return { host, port, database: String(db) };
  },
  defaultsOf: (direction) => ({ db: DEFAULT_DB[direction] }),
  // Values become tasks, and a reference to one is served by nobody (ls-api §4.4).
  referencePrefix: () => "",
  describe,
  open: (settings, { egress }, { direction }) => {
    const place = toPlace(settings, direction);
    const client = new RedisClient({ place, credentials: resolveCredentials(settings), egress });
    const prefix = keyPrefix(settings, direction);
    const isTarget = direction === "target";
    const driver = new RedisDriver({
      client,
      root: isTarget ? prefix : "",
      within: isTarget ? "" : prefix,
    });
    return Promise.resolve(driver);
  },
  validate: (driver, settings, check) => checkRedisConnection(driver, settings, check),
});

function describe(settings: Parameters<typeof toPlace>[0]): string {
  const { host, port, db } = toPlace(settings, "source");
  const path = textOf(settings.path);
  const place = `redis://${host}:${String(port)}/${String(db)}`;
  return path === undefined ? place : `${place}/${path}`;
}
