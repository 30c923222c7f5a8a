import fs from "node:fs";
import path from "node:path";
import { AppError, type Logger } from "@bucketbridge/core";
import {
  ensureDatabase,
  findFreePort,
  isPortOpen,
  spawnWatched,
  startCluster,
} from "@bucketbridge/db/embedded";

/** Where PostgreSQL and Redis are, ours or the operator's. */
export interface Services {
  readonly databaseUrl: string;
  /** Undefined: BullMQ works on PostgreSQL. */
  readonly redisUrl: string | undefined;
  /** What a person reads: "embedded PostgreSQL", "redis-server from the PATH". */
  readonly databaseLabel: string;
  readonly queueLabel: string;
  /** Resolves with a sentence when a service of ours ended by itself. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
}

/** What is given by the operator, and where ours may write. */
export interface ServiceOptions {
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly databasePassword: string;
  readonly searchPath: string;
  readonly log: Logger;
}

const REDIS_START_TIMEOUT_MS = 10_000;
const POLL_MS = 50;

/** Starts what the operator did not give. PostgreSQL runs as an ordinary role that owns its database. */
export async function startServices(options: ServiceOptions): Promise<Services> {
  const failure = Promise.withResolvers<string>();
  const database = await startDatabase(options, failure.resolve);
  try {
    const queue = await startQueueService(options, failure.resolve);
    return {
      databaseUrl: database.url,
      databaseLabel: database.label,
      redisUrl: queue.url,
      queueLabel: queue.label,
      failed: failure.promise,
      stop: async () => {
        await queue.stop();
        await database.stop();
      },
    };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

interface Service<Url> {
  readonly url: Url;
  readonly label: string;
  stop(): Promise<void>;
}

const nothingToStop = (): Promise<void> => Promise.resolve();

async function startDatabase(
  options: ServiceOptions,
  onFailure: (sentence: string) => void,
): Promise<Service<string>> {
  if (options.databaseUrl !== undefined) {
    return { url: options.databaseUrl, label: "PostgreSQL of DATABASE_URL", stop: nothingToStop };
  }
  const cluster = await startCluster({
    dir: path.join(options.dataDir, "postgres"),
    auth: "password",
    durability: "safe",
    log: options.log,
  });
  void cluster.exited.then(({ expected }) => {
    if (!expected)
      onFailure("the embedded PostgreSQL ended by itself: start again, it recovers from its log");
  });
  const url = await ensureDatabase(cluster.adminUrl(), {
    role: "bucketbridge",
    password: options.databasePassword,
    database: "bucketbridge",
  });
  return {
    url,
    label: `embedded PostgreSQL on port ${String(cluster.port)}`,
    stop: () => cluster.stop(),
  };
}

async function startQueueService(
  options: ServiceOptions,
  onFailure: (sentence: string) => void,
): Promise<Service<string | undefined>> {
  if (options.redisUrl !== undefined) {
    return { url: options.redisUrl, label: "Redis of REDIS_URL", stop: nothingToStop };
  }
  const program = findProgram("redis-server", options.searchPath);
  if (program === undefined) {
    return {
      url: undefined,
      label: "BullMQ on PostgreSQL (no redis-server on the PATH)",
      stop: nothingToStop,
    };
  }
  return startRedis(program, path.join(options.dataDir, "redis"), onFailure);
}

function findProgram(name: string, searchPath: string): string | undefined {
  const candidates = searchPath.split(path.delimiter).map((folder) => path.join(folder, name));
  return candidates.find((file) => {
    try {
      fs.accessSync(file, fs.constants.X_OK);
      return true;
    } catch (error) {
      if (["ENOENT", "EACCES", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? ""))
        return false;
      throw error;
    }
  });
}

async function startRedis(
  program: string,
  dir: string,
  onFailure: (sentence: string) => void,
): Promise<Service<string>> {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const port = await findFreePort();
  // Nothing is kept: PostgreSQL is the truth, and the sweep rings for what was lost with the queue.
  const flags = [
    "--bind",
    "127.0.0.1",
    "--port",
    String(port),
    "--dir",
    dir,
    "--save",
    "",
    "--appendonly",
    "no",
  ];
  const child = spawnWatched(undefined, [program, ...flags, "--maxmemory-policy", "noeviction"]);
  let output = "";
  let isStopping = false;
  child.stderr.on("data", (data: Buffer) => (output = (output + data.toString()).slice(-2_000)));
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => {
      if (!isStopping) onFailure(`redis-server ended by itself ${output.trim()}`.trim());
      resolve();
    });
  });
  await waitForPort(port, program);
  return {
    url: `redis://127.0.0.1:${String(port)}`,
    label: `redis-server on port ${String(port)}`,
    stop: async () => {
      isStopping = true;
      child.stdin.end();
      await exited;
    },
  };
}

async function waitForPort(port: number, program: string): Promise<void> {
  const deadlineMs = performance.now() + REDIS_START_TIMEOUT_MS;
  while (!(await isPortOpen(port))) {
    if (performance.now() > deadlineMs) {
      throw new AppError({
        code: "unavailable",
        message: `${program} did not start to listen in time`,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
