import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { AppError } from "@bucketbridge/core";
import { findFreePort, isPortOpen, spawnWatched } from "@bucketbridge/db/embedded";
import { waitFor } from "./wait-for.ts";

/** A Redis for tests. Others may use it too: take a key prefix of your own, never FLUSHALL. */
export interface FoundRedis {
  readonly url: string;
  readonly source: "REDIS_URL" | "scripts/services" | "redis-server";
  /** Ends the server if it was started for us. */
  stop(): Promise<void>;
}

/** Where `scripts/services/redis start` listens unless told otherwise. */
const SERVICE_PORT = 6390;
const START_TIMEOUT_MS = 10_000;

/**
 * Finds a Redis in the order of the README of scripts/services: REDIS_URL, one that listens from scripts/services, a
 * `redis-server` of the PATH started on a free port. `undefined`: there is none, use BullMQ on PostgreSQL.
 * BUCKETBRIDGE_TEST_QUEUE=postgres asks for that, BUCKETBRIDGE_TEST_QUEUE=redis makes a missing Redis an error.
 */
export async function findRedis(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<FoundRedis | undefined> {
  const backend = environment["BUCKETBRIDGE_TEST_QUEUE"];
  if (backend === "postgres") return undefined;
  const url = environment["REDIS_URL"];
  if (url !== undefined && url !== "") return { url, source: "REDIS_URL", stop: nothingToStop };
  if (await isPortOpen(SERVICE_PORT)) {
    return {
      url: `redis://127.0.0.1:${String(SERVICE_PORT)}`,
      source: "scripts/services",
      stop: nothingToStop,
    };
  }
  const program = findRedisServer(environment);
  if (program !== undefined) return startRedis(program);
  if (backend !== "redis") return undefined;
  throw new AppError({
    code: "invalid_config",
    message:
      "BUCKETBRIDGE_TEST_QUEUE=redis, but there is no Redis: set REDIS_URL or install redis-server",
  });
}

/** The `redis-server` of the PATH, for tests that need a server of their own. */
export function findRedisServer(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return findProgram("redis-server", environment["PATH"] ?? "");
}

const nothingToStop = (): Promise<void> => Promise.resolve();

function findProgram(name: string, searchPath: string): string | undefined {
  const candidates = searchPath.split(path.delimiter).map((folder) => path.join(folder, name));
  return candidates.find((file) => fs.existsSync(file));
}

/** Starts a Redis that keeps nothing and ends with this process; on `wantedPort` where that is given. */
export async function startRedis(
  program = "redis-server",
  wantedPort?: number,
): Promise<FoundRedis> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "bucketbridge-redis-"));
  const port = wantedPort ?? (await findFreePort());
  const settings = ["--bind", "127.0.0.1", "--port", String(port), "--dir", dir, "--save", ""];
  const child = spawnWatched(undefined, [program, ...settings, "--maxmemory-policy", "noeviction"]);
  let output = "";
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  const exited = new Promise<void>((resolve) =>
    child.once("exit", () => {
      resolve();
    }),
  );
  await waitFor(() => isPortOpen(port), {
    timeoutMs: START_TIMEOUT_MS,
    what: `${program} to listen; ${output}`,
  });
  return {
    url: `redis://127.0.0.1:${String(port)}`,
    source: "redis-server",
    stop: async () => {
      child.stdin.end();
      await exited;
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}
