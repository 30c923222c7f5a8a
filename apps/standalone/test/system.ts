import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { AppError, Secret } from "@bucketbridge/core";
import { withPgClient } from "@bucketbridge/db";
import { migrateQueueTables } from "@bucketbridge/queue";
import { testRedisUrl, useDatabase } from "@bucketbridge/testkit";
import { afterAll, beforeAll } from "vitest";
import { startChild, startScript, untilSaid, type Child, type Environment } from "./child.ts";
import { createClient, type Client } from "./client.ts";

/** Api and workers as processes of their own, on a database of their own. */
export interface System {
  readonly client: Client;
  /** The folder below which local files may lie. */
  readonly documentRoot: string;
  readonly workers: readonly Child[];
  readonly apis: readonly Child[];
  /** A further API on the same database, with other variables. */
  startApi(env?: Environment): Promise<Client>;
  startWorker(env?: Environment): Promise<Child>;
  /** A worker of the export group whose leases and waits are short. */
  startExportWorker(options?: ExportWorkerOptions): Promise<Child>;
  stopWorkers(): Promise<void>;
  /** kill -9 of all workers. */
  killWorkers(): Promise<void>;
}

/** Where the system keeps what it knows. */
export interface Servers {
  readonly databaseUrl: string;
  /** Undefined: jobs are kept in PostgreSQL. */
  readonly redisUrl: string | undefined;
  /** Further variables of every process. */
  readonly env?: Environment;
}

/** How a worker of the export group differs from the others. */
export interface ExportWorkerOptions {
  /** How wrong its clock is. */
  readonly clockShiftMs?: number;
  readonly settleSeconds?: number;
}

/** The worker that a system starts with. */
export type FirstWorker = "import" | "export";

/** Makes a system with one worker before the first test of the file, and ends it after the last. */
export function useSystem(name: string, first: FirstWorker = "import"): () => System {
  const database = useDatabase(name);
  return useSystemOn(
    () => Promise.resolve({ databaseUrl: database().url, redisUrl: testRedisUrl() }),
    first,
  );
}

/** As {@link useSystem}, on servers that the test makes and ends. */
export function useSystemOn(
  servers: () => Promise<Servers>,
  first: FirstWorker = "import",
): () => System {
  let system: OwnSystem | undefined;
  beforeAll(async () => {
    const found = await servers();
    system = new OwnSystem(found);
    await inTurn(system, found, first);
  });
  afterAll(() => system?.stop());
  return () => {
    if (system !== undefined) return system;
    throw new AppError({ code: "internal", message: "useSystem(): asked before beforeAll ran" });
  };
}

let lastStart: Promise<void> = Promise.resolve();

/** One system after the other: all at once, none of them would start in time on a small machine. */
async function inTurn(system: OwnSystem, servers: Servers, first: FirstWorker): Promise<void> {
  const before = lastStart;
  lastStart = before.then(() => system.start(servers, first));
  await lastStart;
}

class OwnSystem implements System {
  readonly documentRoot = fs.mkdtempSync(path.join(os.tmpdir(), "bucketbridge-faults-"));
  readonly workers: Child[] = [];
  readonly apis: Child[] = [];
  readonly #token = randomBytes(20).toString("hex");
  readonly #env: Environment;
  client: Client = createClient("http://127.0.0.1:1", "");

  constructor({ databaseUrl, redisUrl, env }: Servers) {
    this.#env = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      PORT: "0",
      BUCKETBRIDGE_WORKER_PORT: "0",
      // As long as a few attempts: an unreachable store is one of the rows.
      BUCKETBRIDGE_OUTAGE_SECONDS: "5",
      BUCKETBRIDGE_WORKER_QUEUES: "import",
      BUCKETBRIDGE_SECRET_KEYS: `k1:${randomBytes(32).toString("base64")}`,
      BUCKETBRIDGE_TOKEN_KEY: randomBytes(32).toString("hex"),
      BUCKETBRIDGE_OWNER_EMAIL: "owner@example.com",
      BUCKETBRIDGE_OWNER_TOKEN: this.#token,
      BUCKETBRIDGE_EGRESS_ALLOW: "loopback",
      LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT: this.documentRoot,
      LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED: "true",
      // Scenes save as fast as they can.
      BUCKETBRIDGE_RATE_TOKEN: "0",
      ...env,
    };
  }

  async start({ databaseUrl, redisUrl }: Servers, first: FirstWorker): Promise<void> {
    if (redisUrl === undefined) {
      await withPgClient(new Secret(databaseUrl), (client) => migrateQueueTables(client));
    }
    const worker = first === "import" ? this.startWorker() : this.startExportWorker();
    [this.client] = await Promise.all([this.startApi(), worker]);
  }

  async startApi(env: Environment = {}): Promise<Client> {
    const api = startChild("api", { ...this.#env, ...env });
    this.apis.push(api);
    const address = await untilSaid(api, /"address":"([^"]+)"/);
    return createClient(address, this.#token);
  }

  async startWorker(env: Environment = {}): Promise<Child> {
    const worker = startChild("worker", { ...this.#env, ...env });
    this.workers.push(worker);
    await untilSaid(worker, /"healthPort":(\d+)/);
    return worker;
  }

  async startExportWorker(options: ExportWorkerOptions = {}): Promise<Child> {
    const worker = startExportWorker(this.#env, options);
    this.workers.push(worker);
    await untilSaid(worker, /"healthPort":(\d+)/);
    return worker;
  }

  async stopWorkers(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.stop()));
  }

  async killWorkers(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.kill()));
  }

  async stop(): Promise<void> {
    await Promise.all([this.stopWorkers(), ...this.apis.map((api) => api.stop())]);
    fs.rmSync(this.documentRoot, { recursive: true, force: true });
  }
}

/** The parts of a worker with settings that no variable has, so that nobody waits for leases of a minute. */
const EXPORT_WORKER = fileURLToPath(new URL("../../worker/test/chaos-worker.ts", import.meta.url));
const SHIFTED_CLOCK = new URL("shifted-clock.mjs", import.meta.url).href;

function startExportWorker(
  env: Environment,
  { clockShiftMs = 0, settleSeconds = 6 }: ExportWorkerOptions,
): Child {
  const settings = {
    version: "0.0.0-test",
    groups: ["export"],
    concurrency: 8,
    health: { host: "127.0.0.1", port: 0 },
    logLevel: "info",
    databaseUrl: env["DATABASE_URL"],
    redisUrl: env["REDIS_URL"],
    secretKeys: env["BUCKETBRIDGE_SECRET_KEYS"],
    egressAllow: ["loopback"],
    localFiles: {
      documentRoot: env["LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"],
      servingEnabled: true,
    },
    ambient: {},
    inFlightBytes: 64 * 1024 * 1024,
    engine: {},
    exporting: { leaseSeconds: 3, settleSeconds, outageSeconds: 1 },
    retention: {
      ...{ solvedIssueDays: 30, runsPerStorage: 200, tombstoneDays: 30 },
      ...{ receiptDays: 30, oldPlaceDays: 7, auditDays: 365 },
    },
    lockMs: 4_000,
    stalledIntervalMs: 1_000,
    sweepIntervalMs: 1_000,
  };
  const clock = clockShiftMs === 0 ? {} : { NODE_OPTIONS: `--import=${SHIFTED_CLOCK}` };
  return startScript([EXPORT_WORKER, JSON.stringify(settings)], {
    ...clock,
    BUCKETBRIDGE_TEST_CLOCK_SHIFT_MS: String(clockShiftMs),
  });
}
