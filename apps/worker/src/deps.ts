import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { systemClock, type Clock, type Logger } from "@bucketbridge/core";
import {
  createDatabase,
  countWork,
  createImportStores,
  describeRun,
  drawTurn,
  promoteStorage,
  sweep,
  createRunRepository,
  KeyRing,
  type Database,
} from "@bucketbridge/db";
import {
  createProducer,
  createQueueBackend,
  openBoard,
  type Board,
  type Producer,
  type QueueBackend,
} from "@bucketbridge/queue";
import { createEgress, type Egress, type ServiceAddress } from "@bucketbridge/storage/egress";
import { loadProvider, type ProviderDefinition } from "@bucketbridge/storage/providers";
import { ByteBudget, DEFAULT_ENGINE_OPTIONS, type ImportEngine } from "@bucketbridge/sync";
import { QueueBell } from "./bell.ts";
import { CachedConnections } from "./connections.ts";
import { observeLoads, observeScans } from "./engine-observer.ts";
import { RunShare } from "./handlers/run-share.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { RunViews, SweepStore, TurnNumbers, WorkStore } from "./ports.ts";
import { toWorkersWanted, type WorkersWanted } from "./scale.ts";
import type { WorkerSettings } from "./settings.ts";

/** Runs that one sweep looks after, oldest first; the next one comes soon. */
const MAX_SWEPT_RUNS = 1_000;

/** What the handlers of the import queue need. */
export interface ImportDeps {
  readonly engine: ImportEngine;
  readonly views: RunViews;
  /** How much of each run this process has taken on. */
  readonly share: RunShare;
  readonly clock: Clock;
}

/** Everything that a worker process is made of. */
export interface WorkerDeps extends ImportDeps {
  readonly settings: WorkerSettings;
  readonly log: Logger;
  readonly database: Database;
  readonly backend: QueueBackend;
  readonly producer: Producer;
  readonly board: Board;
  readonly bell: QueueBell;
  readonly egress: Egress;
  readonly connections: CachedConnections;
  readonly numbers: TurnNumbers;
  readonly sweeps: SweepStore;
  readonly metrics: Metrics;
  readonly wanted: () => Promise<WorkersWanted>;
}

/** What tests put in the place of the real thing. */
export interface DepsOverrides {
  readonly loadProvider?: ((name: string) => Promise<ProviderDefinition>) | undefined;
}

/** Connects to nothing yet; `startWorker` does. */
export function buildDeps(
  settings: WorkerSettings,
  log: Logger,
  overrides: DepsOverrides = {},
): WorkerDeps {
  const clock = systemClock;
  const database = openDatabase(settings, log);
  const stores = createImportStores(database, { leaseSeconds: settings.engine.leaseSeconds });
  const backend = createQueueBackend({
    redisUrl: settings.redisUrl?.reveal(),
    databaseUrl: settings.database.url.reveal(),
    log,
  });
  const producer = createProducer(backend, log);
  const board = openBoard(backend);
  const bell = new QueueBell({
    producer,
    cards: { describe: (run) => describeRun(database, run) },
    log,
  });
  const bytes = new ByteBudget(settings.inFlightBytes);
  const options = { ...DEFAULT_ENGINE_OPTIONS, ...settings.engine };
  const wanted = wantedWorkers(
    { countWork: () => countWork(database) },
    {
      concurrency: settings.concurrency,
      loadSlots: options.loadSlots,
    },
  );
  const metrics = createMetrics({ producer, board, bytes, wanted, log });
  const egress = createEgress({ allow: settings.egressAllow, denied: ownServices(settings) });
  const connections = new CachedConnections({
    loadProvider: overrides.loadProvider ?? loadProvider,
    provider: { egress, log, localFiles: settings.localFiles, ambient: settings.ambient },
    observe: (provider) => (call) => {
      metrics.onStoreCall(provider, call);
    },
    log,
  });
  const engine: ImportEngine = {
    runs: stores.runs,
    scans: observeScans(stores.scans, metrics),
    loads: observeLoads(stores.loads, metrics),
    connections,
    bell,
    bytes,
    clock,
    log,
    owner: `${hostname()}:${String(process.pid)}:${randomBytes(3).toString("hex")}`,
    options,
  };
  return {
    settings,
    log,
    clock,
    database,
    backend,
    producer,
    board,
    bell,
    egress,
    connections,
    engine,
    metrics,
    wanted,
    numbers: { draw: (turn) => drawTurn(database, turn) },
    views: createRunRepository(database),
    share: new RunShare(),
    sweeps: {
      sweep: () => sweep(database, MAX_SWEPT_RUNS),
      promote: (storage) => promoteStorage(database, storage),
    },
  };
}

function openDatabase(settings: WorkerSettings, log: Logger): Database {
  return createDatabase({
    url: settings.database.url,
    poolSize: settings.database.poolSize,
    keyRing: KeyRing.parse(settings.secretKeys),
    applicationName: "bucketbridge worker",
    avoidSequentialScans: true,
    log,
  });
}

function wantedWorkers(
  work: WorkStore,
  options: { readonly concurrency: number; readonly loadSlots: number },
): () => Promise<WorkersWanted> {
  return async () => toWorkersWanted(await work.countWork(), options);
}

/** Storages must not reach our own servers, whatever the operator opened. */
function ownServices({ database, redisUrl }: WorkerSettings): ServiceAddress[] {
  const services = [toAddress(database.url.reveal(), 5432)];
  if (redisUrl !== undefined) services.push(toAddress(redisUrl.reveal(), 6379));
  return services;
}

function toAddress(url: string, defaultPort: number): ServiceAddress {
  const { hostname: host, port } = new URL(url);
  return { host, port: port === "" ? defaultPort : Number(port) };
}
