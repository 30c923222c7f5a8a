import path from "node:path";
import { AppError, Secret, type Logger } from "@bucketbridge/core";
import { deployMigrations, withPgClient } from "@bucketbridge/db";
import { findFreePort, isPortOpen } from "@bucketbridge/db/embedded";
import { migrateQueueTables } from "@bucketbridge/queue";
import { waitUntilReady } from "./api-client.ts";
import { describeChildren } from "./children.ts";
import { toShownLine } from "./log-lines.ts";
import { startServices, type Services } from "./services.ts";
import { ensureSecrets, type StandaloneSecrets } from "./secrets-file.ts";
import { SupervisedProcess } from "./supervised-process.ts";
import type { Terminal } from "./terminal.ts";

/** A system that serves. */
export interface RunningSystem {
  readonly url: string;
  readonly token: string;
  readonly email: string;
  /** Resolves with a sentence when the system cannot go on. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
}

/** What `npm start` was told. */
export interface SystemOptions {
  readonly root: string;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly ownerEmail: string | undefined;
  readonly ownerToken: string | undefined;
  readonly documentRoot: string;
  readonly environment: NodeJS.ProcessEnv;
}

const OWNER_EMAIL = "owner@example.com";
const READY_TIMEOUT_MS = 60_000;
const MIGRATION_LOCK_TIMEOUT_MS = 60_000;

/** Starts the services, migrates, starts api and workers, and resolves when the API is ready. */
export async function startSystem(
  asked: SystemOptions,
  terminal: Terminal,
  log: Logger,
): Promise<RunningSystem> {
  const options = { ...asked, port: await choosePort(asked.port) };
  const secrets = ensureSecrets(options.dataDir);
  const services = await startServices({
    dataDir: options.dataDir,
    databaseUrl: options.databaseUrl,
    redisUrl: options.redisUrl,
    databasePassword: secrets.databasePassword,
    searchPath: options.environment["PATH"] ?? "",
    log,
  });
  terminal.line(`database: ${services.databaseLabel} · queue: ${services.queueLabel}`);
  try {
    await migrate(options, services, log);
    return await startChildren(options, { secrets, services }, terminal);
  } catch (error) {
    await services.stop();
    throw error;
  }
}

/** Port 0 asks for any free one; a port that somebody listens on is refused with a sentence. */
async function choosePort(port: number): Promise<number> {
  if (port === 0) return findFreePort();
  if (!(await isPortOpen(port))) return port;
  throw new AppError({
    code: "invalid_config",
    message: `port ${String(port)} is in use by another program: stop it, or set PORT to a free one`,
  });
}

async function migrate(options: SystemOptions, services: Services, log: Logger): Promise<void> {
  const url = new Secret(services.databaseUrl);
  await deployMigrations(url, path.join(options.root, "prisma/migrations"), {
    lockTimeoutMs: MIGRATION_LOCK_TIMEOUT_MS,
    log,
  });
  if (services.redisUrl === undefined)
    await withPgClient(url, (client) => migrateQueueTables(client));
}

async function startChildren(
  options: SystemOptions,
  made: { readonly secrets: StandaloneSecrets; readonly services: Services },
  terminal: Terminal,
): Promise<RunningSystem> {
  const failure = Promise.withResolvers<string>();
  void made.services.failed.then(failure.resolve);
  const token = options.ownerToken ?? made.secrets.ownerToken;
  const email = options.ownerEmail ?? OWNER_EMAIL;
  const children = describeChildren({
    root: options.root,
    inherited: options.environment,
    shared: sharedVariables(options, made, { token, email }),
    workersPerGroup: options.workers,
  }).map((spec) => new SupervisedProcess(spec, supervisorEvents(terminal, failure.resolve)));
  const stop = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop()));
    await made.services.stop();
  };
  for (const child of children) child.start();
  const url = `http://${options.host.includes(":") ? `[${options.host}]` : options.host}:${String(options.port)}`;
  const waiting = new AbortController();
  void failure.promise.then((sentence) => {
    waiting.abort(new AppError({ code: "internal", message: sentence }));
  });
  try {
    await waitUntilReady(`${url}/readyz`, { timeoutMs: READY_TIMEOUT_MS, signal: waiting.signal });
  } catch (error) {
    await Promise.all(children.map((child) => child.stop()));
    throw error;
  }
  return { url, token, email, failed: failure.promise, stop };
}

function sharedVariables(
  options: SystemOptions,
  { secrets, services }: { readonly secrets: StandaloneSecrets; readonly services: Services },
  owner: { readonly token: string; readonly email: string },
): Record<string, string | undefined> {
  const given = options.environment;
  return {
    PORT: String(options.port),
    HOST: options.host,
    BUCKETBRIDGE_DATA_DIR: options.dataDir,
    DATABASE_URL: services.databaseUrl,
    REDIS_URL: services.redisUrl,
    BUCKETBRIDGE_OWNER_EMAIL: owner.email,
    BUCKETBRIDGE_OWNER_TOKEN: owner.token,
    BUCKETBRIDGE_SECRET_KEYS: given["BUCKETBRIDGE_SECRET_KEYS"] ?? secrets.secretKeys,
    BUCKETBRIDGE_TOKEN_KEY: given["BUCKETBRIDGE_TOKEN_KEY"] ?? secrets.tokenKey,
    // A person tries his own MinIO here; link-local addresses stay closed.
    BUCKETBRIDGE_EGRESS_ALLOW: given["BUCKETBRIDGE_EGRESS_ALLOW"] ?? "loopback,private",
    LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT:
      given["LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"] ?? options.documentRoot,
    LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED:
      given["LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED"] ?? "true",
  };
}

function supervisorEvents(
  terminal: Terminal,
  onGiveUp: (sentence: string) => void,
): ConstructorParameters<typeof SupervisedProcess>[1] {
  return {
    onLine: (name, line) => {
      const shown = toShownLine(name, line);
      if (shown !== undefined) terminal.line(`  ${shown}`);
    },
    onRestart: (name, how, delayMs) => {
      terminal.line(
        `  ${name} ended (${how}); starting it again in ${(delayMs / 1_000).toFixed(1)} s`,
      );
    },
    onGiveUp,
  };
}
