import { describe, expect, it } from "vitest";
import { changedLocation, requiresSecretsAgain, splitSecrets } from "../location.ts";
import { redisProvider } from "./index.ts";
import { keyPrefix, redisSettings, toPlace } from "./settings.ts";

const parse = (fields: Record<string, unknown>) => redisSettings.parse(fields);

describe("redisSettings", () => {
  it("goes to the contract's databases and to the usual place where nothing is said", () => {
    const nothing = { host: "localhost", port: 6379, tls: undefined };
    expect(toPlace(parse({ host: "" }), "source")).toEqual({ ...nothing, db: 1 });
    expect(toPlace(parse({ port: null }), "target")).toEqual({ ...nothing, db: 2 });
    expect(redisProvider.defaultsOf?.("source")).toEqual({ db: 1 });
    expect(redisProvider.defaultsOf?.("target")).toEqual({ db: 2 });
  });

  it("refuses database 0 with the contract's sentence", () => {
    const refused = redisSettings.safeParse({ db: 0 });
    expect(refused.error?.issues.map(({ path, message }) => [path, message])).toEqual([
      [
        ["db"],
        "Please explicitly pass a redis db id to prevent accidentally overwriting existing database!",
      ],
    ]);
  });

  it.each([
    { db: -1 },
    { db: 40_000 },
    { db: 1.5 },
    { port: "0" },
    { port: "65536" },
    { port: "6379/0" },
    { host: "redis://cache" },
    { host: "user@cache" },
    { host: "two words" },
    { path: "a\u0000b" },
    { tls_ca: "no certificate" },
  ])("refuses %j", (fields) => {
    expect(redisSettings.safeParse(fields).success).toBe(false);
  });

  it.each(["cache", "cache.example.com", "10.0.0.1", "::1", "[::1]"])(
    "takes the host %s",
    (host) => {
      expect(toPlace(parse({ host }), "source").host).toBe(host);
    },
  );

  it("keeps the password apart and asks for it again when somebody else would hear it", () => {
    const { settings, secrets } = splitSecrets(redisProvider, parse({ host: "a", password: "p" }));
    expect([settings["password"], secrets]).toEqual([undefined, { password: "p" }]);
    const again = (change: Record<string, unknown>): boolean =>
      requiresSecretsAgain(
        redisProvider,
        { host: "a", tls: true },
        { host: "a", tls: true, ...change },
      );
    expect([{ host: "b" }, { port: "1" }, { tls: false }, { tls_ca: "x" }].map(again)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([{ db: 5 }, { path: "x" }, { username: "u" }].map(again)).toEqual([false, false, false]);
  });

  it("is another place with another host, port, db or path", () => {
    const moved = (change: Record<string, unknown>): boolean =>
      changedLocation(redisProvider, { host: "a" }, { host: "a", ...change });
    const changes = [{ host: "b" }, { port: "1" }, { db: 5 }, { path: "x" }];
    expect(changes.map(moved)).toEqual([true, true, true, true]);
    expect([{ username: "u" }, { tls: true }].map(moved)).toEqual([false, false]);
  });

  it("takes a source's path as it is and makes a folder of a target's", () => {
    expect(keyPrefix(parse({ path: "out" }), "source")).toBe("out");
    expect(keyPrefix(parse({ path: "out" }), "target")).toBe("out/");
    expect(keyPrefix(parse({ path: "out:" }), "target")).toBe("out:");
    expect(keyPrefix(parse({}), "target")).toBe("");
  });
});
