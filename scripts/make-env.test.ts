import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseEnv } from "node:util";
import { loadConfig, ownerSlice, secretsSlice } from "@bucketbridge/config";
import { describe, expect, it } from "vitest";
import { ROOT } from "./launcher/paths.mjs";

const COMPOSE = readFileSync(path.join(ROOT, "docker-compose.yml"), "utf8");
const print = (): string =>
  execFileSync(process.execPath, [path.join(ROOT, "scripts/make-env.mjs"), "--print"], {
    encoding: "utf8",
  });
const names = (pattern: RegExp): string[] => [
  ...new Set([...COMPOSE.matchAll(pattern)].map(([, name = ""]) => name)),
];

describe("make-env", () => {
  it("makes every variable that docker-compose.yml refuses to start without", () => {
    const made = Object.keys(parseEnv(print()));
    expect(made.toSorted()).toEqual(names(/\$\{(\w+):\?/g).toSorted());
  });

  it("offers only variables that docker-compose.yml reads", () => {
    const offered = [...print().matchAll(/^#(\w+)=/gm)].map(([, name = ""]) => name);
    expect(names(/\$\{(\w+):-/g)).toEqual(expect.arrayContaining(offered));
  });

  it("makes secrets that are strong enough to start with, others each time", () => {
    const [first, second] = [parseEnv(print()), parseEnv(print())];
    expect(() => loadConfig({ secrets: secretsSlice, owner: ownerSlice }, first)).not.toThrow();
    for (const [name, value] of Object.entries(first))
      if (name !== "BUCKETBRIDGE_OWNER_EMAIL") expect(second[name]).not.toBe(value);
  });

  it("makes passwords that need no escaping in a URL", () => {
    for (const [name, value] of Object.entries(parseEnv(print())))
      if (name.endsWith("_PASSWORD")) expect(value).toMatch(/^[0-9a-f]{48}$/);
  });
});
