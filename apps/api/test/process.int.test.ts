import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { useDatabase, testRedisUrl } from "@bucketbridge/testkit";
import { afterEach, describe, expect, it } from "vitest";

const MAIN = path.resolve(import.meta.dirname, "../src/main.ts");
const OWNER_TOKEN = randomBytes(20).toString("hex");

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

describe("the API process", () => {
  const database = useDatabase("api_process");
  const empty = useDatabase("api_process_empty");
  const children: ChildProcess[] = [];

  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });

  function start(env: Record<string, string>): ChildProcess {
    const child = spawn(process.execPath, [MAIN], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        PORT: "0",
        DATABASE_URL: database().url,
        REDIS_URL: testRedisUrl() ?? "",
        BUCKETBRIDGE_SECRET_KEYS: `k1:${randomBytes(32).toString("base64")}`,
        BUCKETBRIDGE_TOKEN_KEY: randomBytes(32).toString("hex"),
        BUCKETBRIDGE_OWNER_EMAIL: "owner@example.com",
        BUCKETBRIDGE_OWNER_TOKEN: OWNER_TOKEN,
        ...env,
      },
    });
    children.push(child);
    return child;
  }

  async function untilEnded(child: ChildProcess): Promise<Ended> {
    const chunks: Buffer[] = [];
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, stderr: Buffer.concat(chunks).toString() };
  }

  async function addressOf(child: ChildProcess): Promise<string> {
    if (child.stdout === null) return "";
    for await (const line of createInterface({ input: child.stdout })) {
      const entry = JSON.parse(line) as { msg: string; address?: string };
      if (entry.msg === "api.started" && entry.address !== undefined) return entry.address;
    }
    return "";
  }

  const get = async (url: string, token?: string) => {
    const response = await fetch(
      url,
      token === undefined ? {} : { headers: { authorization: `Token ${token}` } },
    );
    return { status: response.status, body: await response.text() };
  };

  it("serves, knows its owner, and ends with 0 when it is told to", async () => {
    const child = start({});
    const address = await addressOf(child);
    expect(await get(`${address}/readyz`)).toMatchObject({ status: 200, body: '{"status":"ok"}' });
    expect((await get(`${address}/metrics`)).body).toContain("bucketbridge_http_request_seconds");
    expect((await get(`${address}/api/current-user/whoami`, OWNER_TOKEN)).status).toBe(200);
    const ended = untilEnded(child);
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("does not start without its keys or with a token that can be guessed, and says all of it at once", async () => {
    const { code, stderr } = await untilEnded(
      start({
        BUCKETBRIDGE_SECRET_KEYS: "",
        BUCKETBRIDGE_TOKEN_KEY: "changeme".repeat(5),
        BUCKETBRIDGE_OWNER_TOKEN: "short",
      }),
    );
    expect(code).toBe(1);
    expect(stderr).toContain("BUCKETBRIDGE_SECRET_KEYS is not set");
    expect(stderr).toContain("BUCKETBRIDGE_TOKEN_KEY is or contains a well-known default");
    expect(stderr).toContain("BUCKETBRIDGE_OWNER_TOKEN is too short");
  });

  it("does not start as a superuser, whom no policy binds", async () => {
    const { code, stderr } = await untilEnded(start({ DATABASE_URL: database().adminUrl }));
    expect(code).toBe(1);
    expect(stderr).toContain("superuser");
    expect(stderr).not.toContain(OWNER_TOKEN);
  });

  it("prints a link for the first owner while nobody has an account, and not in its log", async () => {
    const child = spawn(process.execPath, [MAIN], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        PORT: "0",
        DATABASE_URL: empty().url,
        REDIS_URL: testRedisUrl() ?? "",
        BUCKETBRIDGE_SECRET_KEYS: `k1:${randomBytes(32).toString("base64")}`,
        BUCKETBRIDGE_TOKEN_KEY: randomBytes(32).toString("hex"),
      },
    });
    children.push(child);
    const address = await addressOf(child);
    const [line] = (await once(createInterface({ input: child.stderr }), "line")) as [string];
    expect(line).toMatch(
      /^api: nobody has an account yet; make the first owner within an hour at http:\/\/\S+\/setup#\S+$/,
    );
    expect(line).toContain(`${address}/setup#`);
  });

  it("says in one line which variables of the contract it does not read", async () => {
    const child = start({
      SSRF_PROTECTION_ENABLED: "false",
      HEARTEX_S3_TRUSTED_STORAGE_DOMAINS: "x",
    });
    const lines: string[] = [];
    child.stdout?.on("data", (chunk: Buffer) => lines.push(...chunk.toString().split("\n")));
    await addressOf(child);
    const told = lines.filter((line) => line.includes('"msg":"config.ignored"'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(
      "SSRF_PROTECTION_ENABLED and HEARTEX_S3_TRUSTED_STORAGE_DOMAINS are not read",
    );
  });

  it("says in one sentence that the port is taken", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    const { code, stderr } = await untilEnded(start({ PORT: port }));
    server.close();
    expect(code).toBe(1);
    expect(stderr.trim()).toBe("api: the address of HOST and PORT is in use: choose another one");
  });
});
