import "./heap-growth.ts";
import {
  ambientSlice,
  awsPlatformSlice,
  azurePlatformSlice,
  databaseSlice,
  egressSlice,
  gcpPlatformSlice,
  limitsSlice,
  loadConfig,
  localFilesSlice,
  loggingSlice,
  persistenceSlice,
  platformSlice,
  queueSlice,
  resolveAmbientAwsKeys,
  resolveAmbientAzure,
  resolveEgressAllow,
  resolveLocalFiles,
  resolvePersistence,
  retentionSlice,
  resolvePlatform,
  secretsSlice,
  workerSlice,
} from "@bucketbridge/config";
import { isAppError, redactText, type Logger } from "@bucketbridge/core";
import packageFile from "../package.json" with { type: "json" };
import { buildDeps } from "./deps.ts";
import { createLogger } from "./logger.ts";
import { watchParent } from "./parent-guard.ts";
import type { WorkerSettings } from "./settings.ts";
import { startWorker, type WorkerProcess } from "./worker-process.ts";

/** `npm start` gives this to its children: nothing survives it. */
const EXIT_WITH_PARENT = "--exit-with-parent";

/** Whatever hangs, the process ends; longer than the grace of the page in hand. */
const STOP_TIMEOUT_MS = 15_000;

function readSettings(): WorkerSettings {
  const config = loadConfig(
    {
      ambient: ambientSlice,
      awsPlatform: awsPlatformSlice,
      azurePlatform: azurePlatformSlice,
      gcpPlatform: gcpPlatformSlice,
      platform: platformSlice,
      database: databaseSlice,
      egress: egressSlice,
      limits: limitsSlice,
      localFiles: localFilesSlice,
      logging: loggingSlice,
      persistence: persistenceSlice,
      queue: queueSlice,
      retention: retentionSlice,
      secrets: secretsSlice,
      worker: workerSlice,
    },
    process.env,
  );
  const { worker, limits, ambient } = config;
  return {
    version: packageFile.version,
    groups: worker.groups,
    concurrency: worker.concurrency,
    health: { host: worker.healthHost, port: worker.healthPort },
    logLevel: config.logging.level,
    database: config.database,
    redisUrl: config.queue.redisUrl,
    secretKeys: config.secrets.secretKeys,
    egressAllow: resolveEgressAllow(config),
    localFiles: resolveLocalFiles(config.localFiles, process.cwd()),
    ambient: {
      buckets: ambient.buckets,
      s3Endpoint: ambient.s3Endpoint,
      s3Region: ambient.s3Region,
      s3EncryptsWrites: ambient.s3EncryptsWrites,
      s3Credentials: resolveAmbientAwsKeys(ambient),
      azure: resolveAmbientAzure(config),
    },
    platform: resolvePlatform(config),
    persistence: resolvePersistence(config.persistence, process.cwd()),
    inFlightBytes: limits.inFlightBytes,
    engine: {
      outageMs: worker.outageMs,
      maxObjectBytes: limits.maxObjectBytes,
      readLimits: {
        maxRowBytes: limits.maxRowBytes,
        maxDecodedRatio: limits.maxDecodedRatio,
      },
    },
    exporting: {},
    retention: config.retention,
  };
}

function endWith(worker: WorkerProcess, log: Logger): (why: string) => void {
  let isEnding = false;
  return (why) => {
    if (isEnding) return;
    isEnding = true;
    log.info({ why }, "worker.signal");
    setTimeout(() => {
      log.error({ timeoutMs: STOP_TIMEOUT_MS }, "worker.stop.late");
      process.exit(1);
    }, STOP_TIMEOUT_MS).unref();
    worker.stop().then(
      (isClean) => process.exit(isClean ? 0 : 1),
      (error: unknown) => {
        log.error({ error }, "worker.stop.failed");
        process.exit(1);
      },
    );
  };
}

function exitOnCrash(log: Logger): void {
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      log.error({ error, event }, "worker.crashed");
      process.exit(1);
    });
  }
}

try {
  const settings = readSettings();
  const log = createLogger(settings.logLevel, { service: "worker", pid: process.pid });
  exitOnCrash(log);
  const worker = await startWorker(buildDeps(settings, log));
  const end = endWith(worker, log);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => {
      end(signal);
    });
  }
  if (process.argv.includes(EXIT_WITH_PARENT)) {
    watchParent(() => {
      end("parent gone");
    });
  }
} catch (error) {
  const text = isAppError(error)
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : "unknown error";
  process.stderr.write(`worker: ${redactText(text)}\n`);
  process.exit(1);
}
