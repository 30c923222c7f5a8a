import type { Logger } from "@bucketbridge/core";
import {
  countWork,
  createDatabase,
  createExportStores,
  createImportStores,
  createOrganizationRepository,
  createProjectFiles,
  createRetention,
  createRunRepository,
  createSnapshotWork,
  describeRun,
  describeTarget,
  drawTurn,
  KeyRing,
  promoteStorage,
  purgeDeleted,
  sweep,
  sweepTargets,
  type Database,
  type ExportStores,
  type ProjectFiles,
  type RetentionResult,
  type SnapshotWork,
} from "@bucketbridge/db";
import type { ExportNames, LoadStore, RunStore, ScanStore } from "@bucketbridge/sync";
import type { Organizations } from "./connections.ts";
import type {
  Cards,
  RunViews,
  SweepStore,
  TargetSweepStore,
  TurnNumbers,
  WorkStore,
} from "./ports.ts";
import type { WorkerSettings } from "./settings.ts";

/** Runs, or targets, that one sweep looks after; the next one comes soon. */
const MAX_SWEPT = 1_000;

/** About a second of work, in transactions that nobody has to wait for. */
const PURGE_PIECE = { chunkRows: 2_000, maxChunks: 10 };

/** The database as a worker sees it: one connection pool behind the ports of the engine and our own. */
export interface Stores {
  readonly database: Database;
  readonly runs: RunStore;
  readonly scans: ScanStore;
  readonly loads: LoadStore;
  readonly exports: ExportNames;
  readonly views: RunViews;
  readonly exportStores: ExportStores;
  readonly snapshots: SnapshotWork;
  readonly projectFiles: ProjectFiles;
  readonly cards: Cards;
  readonly organizations: Organizations;
  readonly numbers: TurnNumbers;
  readonly sweeps: SweepStore;
  readonly targetSweeps: TargetSweepStore;
  readonly work: WorkStore;
  /** Removes a bounded piece of what belongs to deleted storages and projects. */
  purge(): Promise<{ readonly rows: number; readonly isMore: boolean }>;
  /** Drops a bounded piece of what is older than the configuration keeps; undefined while another worker is at it. */
  retain(): Promise<RetentionResult | undefined>;
}

/** Connects with the first statement. `onSettled` hears how long each settled delivery took, from its wish. */
export function openStores(
  settings: WorkerSettings,
  log: Logger,
  onSettled: (lagSeconds: number) => void,
): Stores {
  const database = createDatabase({
    url: settings.database.url,
    poolSize: settings.database.poolSize,
    keyRing: KeyRing.parse(settings.secretKeys),
    applicationName: "bucketbridge worker",
    avoidSequentialScans: true,
    log,
  });
  const retention = createRetention(database, settings.retention);
  return {
    ...createImportStores(database, { leaseSeconds: settings.engine.leaseSeconds }),
    exportStores: createExportStores(database, {
      leaseSeconds: settings.exporting.leaseSeconds,
      settleSeconds: settings.exporting.settleSeconds,
      outageSeconds: settings.exporting.outageSeconds,
      breakerSeconds: settings.exporting.breakerSeconds,
      onSettled,
    }),
    projectFiles: createProjectFiles(database),
    snapshots: createSnapshotWork(database, settings.exporting.leaseSeconds),
    database,
    views: createRunRepository(database),
    organizations: createOrganizationRepository(database),
    cards: {
      describe: (run) => describeRun(database, run),
      describeTarget: (target) => describeTarget(database, target),
    },
    numbers: { draw: (turn) => drawTurn(database, turn) },
    sweeps: {
      sweep: () => sweep(database, MAX_SWEPT),
      promote: (storage) => promoteStorage(database, storage),
    },
    targetSweeps: { sweepTargets: () => sweepTargets(database, MAX_SWEPT) },
    work: { countWork: () => countWork(database) },
    purge: () => purgeDeleted(database, PURGE_PIECE),
    retain: () => retention(PURGE_PIECE),
  };
}
