/**
 * A worker process that a test kills: the same parts as `main.ts`, with settings from the first argument, so that leases
 * and locks may be short.
 */
import { Secret } from "@bucketbridge/core";
import { buildDeps } from "../src/deps.ts";
import { createLogger } from "../src/logger.ts";
import { watchParent } from "../src/parent-guard.ts";
import type { WorkerSettings } from "../src/settings.ts";
import { startWorker } from "../src/worker-process.ts";

/** Settings with their secrets as text. */
export interface PlainSettings extends Omit<
  WorkerSettings,
  "database" | "redisUrl" | "secretKeys"
> {
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
  readonly secretKeys: string;
}

const plain = JSON.parse(process.argv[2] ?? "{}") as PlainSettings;
const settings: WorkerSettings = {
  ...plain,
  database: { url: new Secret(plain.databaseUrl), poolSize: 6 },
  redisUrl: plain.redisUrl === undefined ? undefined : new Secret(plain.redisUrl),
  secretKeys: new Secret(plain.secretKeys),
};
const log = createLogger(settings.logLevel, { service: "worker", pid: process.pid });
await startWorker(buildDeps(settings, log));
watchParent(() => process.exit(1));
process.send?.("ready");
