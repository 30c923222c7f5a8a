import type { Logger } from "@bucketbridge/core";
import {
  countWork,
  createDatabase,
  createImportStores,
  createRunRepository,
  describeRun,
  drawTurn,
  KeyRing,
  promoteStorage,
  purgeDeleted,
  sweep,
  type Database,
} from "@bucketbridge/db";
import type { LoadStore, RunStore, ScanStore } from "@bucketbridge/sync";
import type { RunCards, RunViews, SweepStore, TurnNumbers, WorkStore } from "./ports.ts";
import type { WorkerSettings } from "./settings.ts";

/** Runs that one sweep looks after, oldest first; the next one comes soon. */
const MAX_SWEPT_RUNS = 1_000;

/** About a second of work, in transactions that nobody has to wait for. */
const PURGE_PIECE = { chunkRows: 2_000, maxChunks: 10 };

/** The database as a worker sees it: one connection pool behind the ports of the engine and our own. */
export interface Stores {
  readonly database: Database;
  readonly runs: RunStore;
  readonly scans: ScanStore;
  readonly loads: LoadStore;
  readonly views: RunViews;
  readonly cards: RunCards;
  readonly numbers: TurnNumbers;
  readonly sweeps: SweepStore;
  readonly work: WorkStore;
  /** Removes a bounded piece of what belongs to deleted storages and projects. */
  purge(): Promise<{ readonly rows: number; readonly isMore: boolean }>;
}

/** Connects with the first statement. */
export function openStores(settings: WorkerSettings, log: Logger): Stores {
  const database = createDatabase({
    url: settings.database.url,
    poolSize: settings.database.poolSize,
    keyRing: KeyRing.parse(settings.secretKeys),
    applicationName: "bucketbridge worker",
    avoidSequentialScans: true,
    log,
  });
  return {
    ...createImportStores(database, { leaseSeconds: settings.engine.leaseSeconds }),
    database,
    views: createRunRepository(database),
    cards: { describe: (run) => describeRun(database, run) },
    numbers: { draw: (turn) => drawTurn(database, turn) },
    sweeps: {
      sweep: () => sweep(database, MAX_SWEPT_RUNS),
      promote: (storage) => promoteStorage(database, storage),
    },
    work: { countWork: () => countWork(database) },
    purge: () => purgeDeleted(database, PURGE_PIECE),
  };
}
