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
import {
  holdPersistence,
  loadProvider,
  type PlatformAccess,
  type ProviderDefinition,
} from "@bucketbridge/storage/providers";
import {
  ByteBudget,
  DEFAULT_ENGINE_OPTIONS,
  DEFAULT_EXPORT_OPTIONS,
  type EngineOptions,
  type ExportEngine,
  type ExportOptions,
  type ImportEngine,
} from "@bucketbridge/sync";
import { QueueBell } from "./bell.ts";
import { CachedConnections, CachedTargetConnections } from "./connections.ts";
import { observeDeliveries } from "./delivery-observer.ts";
import { observeLoads, observeScans } from "./engine-observer.ts";
import type { SnapshotDeps } from "./handlers/export-snapshot.ts";
import type { FileSweepDeps } from "./file-sweep.ts";
import { RunShare } from "./handlers/run-share.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { ownServices } from "./own-services.ts";
import { openPlatform } from "./platform.ts";
import type { RunViews, SweepStore, TargetSweepStore, TurnNumbers, WorkCounts } from "./ports.ts";
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

/** What the handlers of the export queue need. */
export interface ExportDeps {
  readonly exporting: ExportEngine;
  readonly views: RunViews;
}

/** Everything that a worker process is made of. */
export interface WorkerDeps extends ImportDeps, ExportDeps, SnapshotDeps, FileSweepDeps {
  readonly settings: WorkerSettings;
  readonly log: Logger;
  readonly database: Database;
  readonly backend: QueueBackend;
  readonly producer: Producer;
  readonly board: Board;
  readonly bell: QueueBell;
  readonly egress: Egress;
  readonly platform: PlatformAccess;
  readonly connections: CachedConnections;
  readonly numbers: TurnNumbers;
  readonly sweeps: SweepStore;
  readonly targetSweeps: TargetSweepStore;
  readonly purge: Stores["purge"];
  readonly retain: Stores["retain"];
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
  const stores = openStores(settings, log, (lagSeconds) => {
    metrics.onSettled(lagSeconds);
  });
  const queue = openQueue(settings, log);
  const bell = new QueueBell({ producer: queue.producer, cards: stores.cards, log });
  const { work } = stores;
  const bytes = new ByteBudget(settings.inFlightBytes);
  const { concurrency } = settings;
  const toWanted = (work: WorkCounts): WorkersWanted =>
    toWorkersWanted(work, { concurrency, loadSlots: options.loadSlots });
  const wanted = async (): Promise<WorkersWanted> => toWanted(await work.countWork());
  const metrics = createMetrics({
    ...queue,
    bytes,
    countWork: () => work.countWork(),
    toWanted,
    log,
  });
  const outside = openOutside(settings, {
    log,
    metrics,
    organizations: stores.organizations,
    ...overrides,
  });
  const worker = { bell, clock, log, owner: ownerName() };
  const engine: ImportEngine = {
    runs: stores.runs,
    scans: observeScans(stores.scans, metrics),
    loads: observeLoads(stores.loads, metrics),
    connections: outside.connections,
    exports: stores.exports,
    bytes,
    options: options satisfies EngineOptions,
    ...worker,
  };
  const exporting = openExporting(settings, { stores, metrics, bytes, worker, ...outside });
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
    exporting,
    share,
  };
}

/** Names this process in leases. */
function ownerName(): string {
  return `${hostname()}:${String(process.pid)}:${randomBytes(3).toString("hex")}`;
}

function openExporting(
  settings: WorkerSettings,
  parts: Pick<WorkerDeps, "connections" | "metrics"> & {
    readonly stores: Stores;
    readonly bytes: ByteBudget;
    readonly worker: Pick<ExportEngine, "bell" | "clock" | "log" | "owner">;
  },
): ExportEngine {
  const { exportStores } = parts.stores;
  return {
    ...exportStores,
    deliveries: observeDeliveries(exportStores.deliveries, parts.metrics),
    connections: new CachedTargetConnections(parts.connections),
    bytes: parts.bytes,
    options: { ...DEFAULT_EXPORT_OPTIONS, ...settings.exporting } satisfies ExportOptions,
    ...parts.worker,
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

/** The ways out: to hosts that users named, and as the platform itself. */
function openOutside(
  settings: WorkerSettings,
  parts: DepsOverrides & Pick<Stores, "organizations"> & Pick<WorkerDeps, "log" | "metrics">,
): Pick<WorkerDeps, "egress" | "platform" | "connections" | "files"> {
  const { log, metrics } = parts;
  const denied = ownServices(settings);
  const egress = createEgress({ allow: settings.egressAllow, denied });
  const platform = openPlatform(settings.platform, denied);
  const connections = new CachedConnections({
    loadProvider: parts.loadProvider ?? loadProvider,
    provider: { egress, log, localFiles: settings.localFiles, ambient: settings.ambient, platform },
    organizations: parts.organizations,
    observe: (provider) => (call) => {
      metrics.onStoreCall(provider, call);
    },
    log,
  });
  const files = holdPersistence(settings.persistence, { log, platform, denied });
  return { egress, platform, connections, files };
}
