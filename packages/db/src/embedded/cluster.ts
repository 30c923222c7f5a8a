import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { AppError, silentLogger, type Logger } from "@bucketbridge/core";
import { findBinaries } from "./binaries.ts";
import {
  ensureCluster,
  ensureDataDirectory,
  readPassword,
  type ClusterAuth,
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
    const port = await choosePort(options.port);
    const command = [
      binaries.postgres,
      "-D",
      directory.data,
      ...serverFlags(port, options.durability),
    ];
    const child = spawnWatched(directory.account, command);
    const exit = watchExit(child, owner, log);
    const { pid } = await waitUntilReady(directory.data, port, exit);
    const user = options.auth === "trust" ? "postgres" : `postgres:${readPassword(directory)}`;
    return {
      port,
      pid,
      dataDir: directory.data,
      exited: exit.exited,
      adminUrl: (database = "postgres") =>
        `postgresql://${user}@127.0.0.1:${String(port)}/${database}`,
      stop: () => stopCluster(child, exit, pid),
    };
  } catch (error) {
    owner.release();
    throw error;
  }
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

function watchExit(child: WatchedProcess, owner: OwnerFile, log: Logger): Exit {
  const { promise, resolve } = Promise.withResolvers<{ expected: boolean; code: number | null }>();
  const exit: Exit = { exited: promise, isExpected: false, hasExited: false, lastOutput: "" };
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    exit.lastOutput = (exit.lastOutput + text).slice(-4_000);
    log.info({ output: text.trim() }, "postgres.output");
  });
  const onEnd = (code: number | null): void => {
    exit.hasExited = true;
    owner.release();
    resolve({ expected: exit.isExpected, code });
  };
  child.once("error", (error) => {
    exit.lastOutput += error.message;
    onEnd(null);
  });
  child.once("exit", onEnd);
  return exit;
}

async function waitUntilReady(data: string, port: number, exit: Exit): Promise<Postmaster> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const state = readPostmaster(data);
    if (state?.isReady === true && state.port === port && !exit.hasExited) return state;
    if (exit.hasExited || performance.now() > deadlineMs) {
      throw new AppError({
        code: "unavailable",
        message: `postgresql did not start in ${data}: ${exit.lastOutput.trim() || "no answer in time"}`,
      });
    }
    await delay(POLL_MS);
  }
}

async function stopCluster(child: WatchedProcess, exit: Exit, pid: number): Promise<void> {
  exit.isExpected = true;
  child.stdin.end();
  const impatience = setTimeout(() => {
    process.kill(pid, "SIGQUIT");
  }, STOP_TIMEOUT_MS);
  await exit.exited;
  clearTimeout(impatience);
}
