import { spawn, type ChildProcess } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { waitFor } from "@bucketbridge/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { useWorld } from "./harness.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const START_TIMEOUT_MS = 20_000;

const getWorld = useWorld("worker_main");
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | NodeJS.Signals | null>;
}

/** Starts a program with the environment of a worker; undefined takes a variable away. */
function start(
  env: Readonly<Record<string, string | undefined>> = {},
  command: readonly string[] = [MAIN],
): Started {
  const { settings, databaseUrl, redis } = getWorld();
  const child = spawn(process.execPath, command, {
    env: {
      PATH: process.env["PATH"],
      DATABASE_URL: databaseUrl,
      REDIS_URL: redis?.url,
      BUCKETBRIDGE_SECRET_KEYS: settings.secretKeys.reveal(),
      BUCKETBRIDGE_TOKEN_KEY: "Zm9yLXRlc3RzLW9ubHktMTIzNDU2Nzg5MC1hYmNkZWZnaGlqa2w",
      BUCKETBRIDGE_WORKER_PORT: "0",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  const exit = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once("exit", (code, signal) => {
      resolve(code ?? signal);
    });
  });
  return { child, output: () => text, exit };
}

/** The health port, from the line that says that the worker works. */
async function healthPort({ output }: Started): Promise<number> {
  const match = await waitFor(() => /"healthPort":(\d+)/.exec(output()), {
    timeoutMs: START_TIMEOUT_MS,
    what: "the worker to start",
  });
  return Number(match[1]);
}

describe("the worker process", () => {
  it("becomes ready, and ends with 0 on SIGTERM", async () => {
    const started = start();
    const port = await healthPort(started);
    const ready = await fetch(`http://127.0.0.1:${String(port)}/readyz`);
    expect(ready.status).toBe(200);
    started.child.kill("SIGTERM");
    expect(await started.exit).toBe(0);
    expect(started.output()).toContain("worker.stopped");
  });

  it("does not outlive its parent", async () => {
    // The parent of the worker is a process of its own, which is killed.
    const script = `
      const { spawn } = require("node:child_process");
      const child = spawn(process.execPath, [${JSON.stringify(MAIN)}, "--exit-with-parent"], { stdio: "inherit" });
      setInterval(() => {}, 1000);`;
    const parent = start({}, ["-e", script]);
    const pid = await waitFor(() => /"pid":(\d+)/.exec(parent.output())?.[1], {
      timeoutMs: START_TIMEOUT_MS,
    });
    await healthPort(parent);
    parent.child.kill("SIGKILL");
    await waitFor(() => !isAlive(Number(pid)), { timeoutMs: 10_000, what: "the worker to end" });
  });

  it("says everything that is wrong with its configuration in one go, without secrets", async () => {
    const started = start({
      DATABASE_URL: undefined,
      BUCKETBRIDGE_SECRET_KEYS: "k1:hunter2",
      BUCKETBRIDGE_WORKER_QUEUES: "imports",
    });
    expect(await started.exit).toBe(1);
    for (const name of ["DATABASE_URL", "BUCKETBRIDGE_SECRET_KEYS", "BUCKETBRIDGE_WORKER_QUEUES"]) {
      expect(started.output()).toContain(name);
    }
    expect(started.output()).not.toContain("hunter2");
  });

  it("ends with one sentence when its port is taken", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const started = start({ BUCKETBRIDGE_WORKER_PORT: String(port) });
    expect(await started.exit).toBe(1);
    expect(started.output()).toMatch(/worker: the health port .* is in use by another program/);
    await new Promise((resolve) => server.close(resolve));
  });

  it("refuses a login that row-level security does not bind", async () => {
    const started = start({ DATABASE_URL: getWorld().adminUrl });
    expect(await started.exit).toBe(1);
    expect(started.output()).toMatch(/superuser/);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
