import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { AppError, silentLogger, type Logger } from "@bucketbridge/core";
import { findBinaries, type Binaries } from "./binaries.ts";
import {
  ensureCluster,
  ensureDataDirectory,
  readPassword,
  type ClusterAuth,
  type DataDirectory,
  type Durability,
} from "./data-directory.ts";
import { OwnerFile } from "./owner-file.ts";
import { findFreePort, isPortOpen } from "./ports.ts";
import { readPostmaster, stopOrphan, type Postmaster } from "./postmaster.ts";
import { spawnWatched, type WatchedProcess } from "./watchdog.ts";

/** How to start a cluster. */
export interface ClusterOptions {
  /** Made when missing. One process at a time may use it. */
  readonly dir: string;
  /** Taken when it is free, else any other; without it any free port. */
  readonly port?: number | undefined;
  readonly auth: ClusterAuth;
  readonly durability: Durability;
  readonly log?: Logger | undefined;
}

/** A running PostgreSQL on the loopback address. It ends with this process, however that ends. */
export interface Cluster {
  readonly port: number;
  readonly pid: number;
  /** Where PostgreSQL keeps its files; not below `dir` when its account cannot enter that. */
  readonly dataDir: string;
  /** Resolves when PostgreSQL has ended, by `stop()` (`expected`) or by itself. */
  readonly exited: Promise<{ readonly expected: boolean; readonly code: number | null }>;
  /** URL of the superuser for a database (default `postgres`). Holds the password: never log it. */
  adminUrl(database?: string): string;
  /** A fast shutdown; open connections are cut. Close pools and queues first. Harmless when called again. */
  stop(): Promise<void>;
}

/** A start after a crash replays the log first, which takes long on a slow disk. */
const START_TIMEOUT_MS = 120_000;
/** After this the shutdown is repeated without a checkpoint; the next start then recovers. */
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 10;
const START_ATTEMPTS = 50;
const RETRY_MS = 200;
/** api, workers and both pools of each BullMQ class on one server (11 connections for a queue, a worker and its events). */
const MAX_CONNECTIONS = 200;

/**
 * Starts PostgreSQL on `dir` and resolves when it accepts connections. The first start creates the cluster. As root it
 * runs as an unprivileged account. Throws `conflict` when another process uses `dir`, `unsupported` without programs
 * for this platform, `unavailable` when it does not come up.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const log = options.log ?? silentLogger;
  const directory = ensureDataDirectory(options.dir);
  const binaries = findBinaries(directory.account);
  const owner = new OwnerFile(directory.ownerFile);
  owner.take();
  try {
    ensureCluster(directory, binaries, options);
    await stopOrphan(directory, binaries, log);
    const server = await startServer(directory, binaries, { ...options, log });
    void server.exit.exited.then(() => {
      owner.release();
    });
    return toCluster(server, directory, options.auth);
  } catch (error) {
    owner.release();
    throw error;
  }
}

interface RunningServer {
  readonly child: WatchedProcess;
  readonly exit: Exit;
  readonly pid: number;
  readonly port: number;
}

/** Starts PostgreSQL, and again while processes of one that was killed a moment ago still hold its shared memory. */
async function startServer(
  directory: DataDirectory,
  binaries: Binaries,
  options: ClusterOptions & { readonly log: Logger },
): Promise<RunningServer> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await choosePort(options.port);
    const flags = serverFlags(port, options.durability);
    const child = spawnWatched(directory.account, [
      binaries.postgres,
      "-D",
      directory.data,
      ...flags,
    ]);
    const exit = watchExit(child, options.log);
    const state = await waitUntilReady(directory.data, port, exit, child);
    if (state !== undefined) return { child, exit, pid: state.pid, port };
    const isHeld = exit.lastOutput.includes("pre-existing shared memory block");
    if (!isHeld || attempt === START_ATTEMPTS) {
      throw new AppError({
        code: "unavailable",
        message: `postgresql did not start in ${directory.data}: ${exit.lastOutput.trim() || "no answer in time"}`,
      });
    }
    await delay(RETRY_MS);
  }
}

function toCluster(server: RunningServer, directory: DataDirectory, auth: ClusterAuth): Cluster {
  const { exit, pid, port } = server;
  const user = auth === "trust" ? "postgres" : `postgres:${readPassword(directory)}`;
  return {
    port,
    pid,
    dataDir: directory.data,
    exited: exit.exited,
    adminUrl: (database = "postgres") =>
      `postgresql://${user}@127.0.0.1:${String(port)}/${database}`,
    stop: () => stopServer(server),
  };
}

async function choosePort(wanted: number | undefined): Promise<number> {
  return wanted === undefined || (await isPortOpen(wanted)) ? findFreePort() : wanted;
}

function serverFlags(port: number, durability: Durability): string[] {
  const settings = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    `max_connections=${String(MAX_CONNECTIONS)}`,
    // Errors of statements reach their caller; here they would only repeat user data.
    "log_min_messages=fatal",
    ...(durability === "test"
      ? ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]
      : []),
  ];
  return ["-p", String(port), ...settings.flatMap((setting) => ["-c", setting])];
}

interface Exit {
  readonly exited: Cluster["exited"];
  isExpected: boolean;
  hasExited: boolean;
  lastOutput: string;
}

function watchExit(child: WatchedProcess, log: Logger): Exit {
  const { promise, resolve } = Promise.withResolvers<{ expected: boolean; code: number | null }>();
  const exit: Exit = { exited: promise, isExpected: false, hasExited: false, lastOutput: "" };
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    exit.lastOutput = (exit.lastOutput + text).slice(-4_000);
    log.info({ output: text.trim() }, "postgres.output");
  });
  const onEnd = (code: number | null): void => {
    exit.hasExited = true;
    resolve({ expected: exit.isExpected, code });
  };
  child.once("error", (error) => {
    exit.lastOutput += error.message;
    onEnd(null);
  });
  // close, not exit: the last words may come after the end.
  child.once("close", onEnd);
  return exit;
}

/** `undefined` when it ended instead, or is not ready in time (it is then stopped). */
async function waitUntilReady(
  data: string,
  port: number,
  exit: Exit,
  child: WatchedProcess,
): Promise<Postmaster | undefined> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!exit.hasExited) {
    const state = readPostmaster(data);
    if (state?.isReady === true && state.port === port) return state;
    if (performance.now() > deadlineMs) {
      child.stdin.end();
      await exit.exited;
    }
    await delay(POLL_MS);
  }
  return undefined;
}

async function stopServer({ child, exit, pid }: RunningServer): Promise<void> {
  if (exit.hasExited) return;
  exit.isExpected = true;
  child.stdin.end();
  const impatience = setTimeout(() => {
    process.kill(pid, "SIGQUIT");
  }, STOP_TIMEOUT_MS);
  await exit.exited;
  clearTimeout(impatience);
}
