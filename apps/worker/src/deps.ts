import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { systemClock, type Clock, type Logger } from "@bucketbridge/core";
import type { Database } from "@bucketbridge/db";
import {
  createProducer,
  createQueueBackend,
  openBoard,
  type Board,
  type Producer,
  type QueueBackend,
} from "@bucketbridge/queue";
import { createEgress, type Egress } from "@bucketbridge/storage/egress";
import { loadProvider, type ProviderDefinition } from "@bucketbridge/storage/providers";
import {
  ByteBudget,
  DEFAULT_ENGINE_OPTIONS,
  type EngineOptions,
  type ImportEngine,
} from "@bucketbridge/sync";
import { QueueBell } from "./bell.ts";
import { CachedConnections } from "./connections.ts";
import { observeLoads, observeScans } from "./engine-observer.ts";
import { RunShare } from "./handlers/run-share.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { ownServices } from "./own-services.ts";
import type { RunViews, SweepStore, TurnNumbers } from "./ports.ts";
import { toWorkersWanted, type WorkersWanted } from "./scale.ts";
import type { WorkerSettings } from "./settings.ts";
import { openStores, type Stores } from "./stores.ts";

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
  readonly purge: Stores["purge"];
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
  const options = { ...DEFAULT_ENGINE_OPTIONS, ...settings.engine };
  const stores = openStores(settings, log);
  const queue = openQueue(settings, log);
  const bell = new QueueBell({ producer: queue.producer, cards: stores.cards, log });
  const bytes = new ByteBudget(settings.inFlightBytes);
  const wanted = async (): Promise<WorkersWanted> =>
    toWorkersWanted(await stores.work.countWork(), {
      concurrency: settings.concurrency,
      loadSlots: options.loadSlots,
    });
  const metrics = createMetrics({ ...queue, bytes, wanted, log });
  const outside = openOutside(settings, { log, metrics, ...overrides });
  const engine: ImportEngine = {
    runs: stores.runs,
    scans: observeScans(stores.scans, metrics),
    loads: observeLoads(stores.loads, metrics),
    connections: outside.connections,
    bell,
    bytes,
    clock,
    log,
    owner: `${hostname()}:${String(process.pid)}:${randomBytes(3).toString("hex")}`,
    options: options satisfies EngineOptions,
  };
  const share = new RunShare();
  return {
    ...stores,
    ...queue,
    ...outside,
    settings,
    log,
    clock,
    bell,
    metrics,
    wanted,
    engine,
    share,
  };
}

function openQueue(
  settings: WorkerSettings,
  log: Logger,
): Pick<WorkerDeps, "backend" | "producer" | "board"> {
  const backend = createQueueBackend({
    redisUrl: settings.redisUrl?.reveal(),
    databaseUrl: settings.database.url.reveal(),
    log,
  });
  return { backend, producer: createProducer(backend, log), board: openBoard(backend) };
}

/** The way to hosts that users named. */
function openOutside(
  settings: WorkerSettings,
  parts: DepsOverrides & { readonly log: Logger; readonly metrics: Metrics },
): Pick<WorkerDeps, "egress" | "connections"> {
  const { log, metrics } = parts;
  const egress = createEgress({ allow: settings.egressAllow, denied: ownServices(settings) });
  const connections = new CachedConnections({
    loadProvider: parts.loadProvider ?? loadProvider,
    provider: { egress, log, localFiles: settings.localFiles, ambient: settings.ambient },
    observe: (provider) => (call) => {
      metrics.onStoreCall(provider, call);
    },
    log,
  });
  return { egress, connections };
}
