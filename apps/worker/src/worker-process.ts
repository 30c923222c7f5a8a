import { AppError } from "@bucketbridge/core";
import type { WorkerBinding } from "@bucketbridge/queue";
import { BackgroundLoop } from "./background-loop.ts";
import type { WorkerDeps } from "./deps.ts";
import {
  JSON_TYPE,
  startHealthServer,
  TEXT,
  type HealthPage,
  type HealthServer,
} from "./health-server.ts";
import { sweepFiles } from "./file-sweep.ts";
import { Sweep } from "./sweep.ts";
import { TargetSweep } from "./target-sweep.ts";
import { startWorkers } from "./workers.ts";

/** What a page in hand may take at a shutdown. */
const GRACE_MS = 10_000;

/** After a crash nobody waits longer than a lease and this. */
const SWEEP_INTERVAL_MS = 3_000;

/** Snapshots that one sweep rings for; the next one comes soon. */
const MAX_SNAPSHOTS = 100;

/** Nobody waits for what belonged to deleted storages to go; between chunks the database has other things to do. */
const PURGE_INTERVAL_MS = 60_000;
const PURGE_PAUSE_MS = 1_000;

/** What is kept for days may be kept for an hour more. */
const RETENTION_INTERVAL_MS = 3_600_000;

/** A worker that works. */
export interface WorkerProcess {
  readonly healthPort: number;
  /**
   * Not ready any more, takes nothing new, finishes or drops the page in hand, gives its leases back and closes what
   * `deps` hold. True when everything ended in time. Idempotent.
   */
  stop(): Promise<boolean>;
}

/**
 * Checks the database and starts to work. Rejects with one clear `AppError` when it cannot; what `deps` hold is closed
 * then too.
 */
export async function startWorker(deps: WorkerDeps): Promise<WorkerProcess> {
  const state = { isStopping: false };
  let health: HealthServer;
  try {
    await deps.database.assertOrdinaryRole();
    health = await startHealthServer({
      ...deps.settings.health,
      pages: healthPages(deps, state),
      log: deps.log,
    });
  } catch (error) {
    await closeDeps(deps);
    throw error;
  }
  const workers = startWorkers(deps);
  const loops = [...startLoops(deps), ...startFileLoops(deps)];
  const { groups, version } = deps.settings;
  deps.log.info(
    { groups, version, queue: deps.backend.kind, healthPort: health.port },
    "worker.started",
  );
  let stopping: Promise<boolean> | undefined;
  return {
    healthPort: health.port,
    stop: () => {
      state.isStopping = true;
      stopping ??= stopWorker(deps, { workers, loops, health });
      return stopping;
    },
  };
}

async function stopWorker(
  deps: WorkerDeps,
  parts: {
    readonly workers: readonly WorkerBinding[];
    readonly loops: readonly BackgroundLoop[];
    readonly health: HealthServer;
  },
): Promise<boolean> {
  deps.log.info({}, "worker.stopping");
  const [ended] = await Promise.all([
    Promise.all(parts.workers.map((worker) => worker.close(GRACE_MS))),
    ...parts.loops.map((loop) => loop.stop()),
  ]);
  await closeDeps(deps);
  await parts.health.close();
  const isClean = ended.every((isEnded) => isEnded);
  deps.log.info({ isClean }, "worker.stopped");
  return isClean;
}

/** What export workers do beside their jobs: they have the store of the installation's own files. */
function startFileLoops(deps: WorkerDeps): BackgroundLoop[] {
  const { clock, log } = deps;
  if (!deps.settings.groups.includes("export")) return [];
  const { sweepIntervalMs: retryMs = PURGE_INTERVAL_MS } = deps.settings;
  const round = async (): Promise<number> => {
    const projects = await sweepFiles(deps);
    if (projects > 0) log.info({ projects }, "worker.files.removed");
    return retryMs;
  };
  return [new BackgroundLoop({ name: "file sweep", round, retryMs, clock, log })];
}

/** What every worker does beside its jobs. */
function startLoops(deps: WorkerDeps): BackgroundLoop[] {
  const { clock, log } = deps;
  const { sweepIntervalMs = SWEEP_INTERVAL_MS } = deps.settings;
  const sweep = new Sweep({ store: deps.sweeps, engine: deps.engine, log });
  const targetSweep = new TargetSweep(deps.targetSweeps, deps.bell);
  return [
    new BackgroundLoop({
      name: "sweep",
      round: async () => {
        await sweep.round();
        return sweepIntervalMs;
      },
      retryMs: sweepIntervalMs,
      clock,
      log,
    }),
    new BackgroundLoop({
      name: "target sweep",
      round: async () => {
        await targetSweep.round();
        return sweepIntervalMs;
      },
      retryMs: sweepIntervalMs,
      clock,
      log,
    }),
    new BackgroundLoop({
      name: "snapshot sweep",
      round: async () => {
        for (const snapshot of await deps.snapshots.findAbandoned(MAX_SNAPSHOTS))
          deps.bell.ringSnapshot(snapshot);
        return sweepIntervalMs;
      },
      retryMs: sweepIntervalMs,
      clock,
      log,
    }),
    new BackgroundLoop({
      name: "purge",
      round: async () => {
        const { rows, isMore } = await deps.purge();
        if (rows > 0) log.info({ rows, isMore }, "worker.purged");
        return isMore ? PURGE_PAUSE_MS : PURGE_INTERVAL_MS;
      },
      retryMs: PURGE_INTERVAL_MS,
      clock,
      log,
    }),
    new BackgroundLoop({
      name: "retention",
      round: () => retain(deps),
      retryMs: PURGE_INTERVAL_MS,
      clock,
      log,
    }),
  ];
}

/** A piece of what has been kept long enough; gives the wait before the next one. */
async function retain({ retain, metrics, log }: WorkerDeps): Promise<number> {
  const result = await retain();
  if (result === undefined) return RETENTION_INTERVAL_MS;
  const { dropped, isMore } = result;
  metrics.onRetention(dropped);
  if (Object.values(dropped).some((count) => count > 0)) {
    log.info({ ...dropped, isMore }, "worker.retention");
  }
  return isMore ? PURGE_PAUSE_MS : RETENTION_INTERVAL_MS;
}

async function closeDeps(deps: WorkerDeps): Promise<void> {
  await deps.bell.settled();
  await Promise.all([deps.producer.close(), deps.board.close(), deps.connections.close()]);
  await deps.files.close();
  await deps.egress.close();
  await deps.platform.egress.close();
  await deps.backend.close();
  await deps.database.close();
}

function healthPages(
  deps: WorkerDeps,
  state: { readonly isStopping: boolean },
): Readonly<Record<string, HealthPage>> {
  const json = (render: () => unknown): HealthPage => ({
    contentType: JSON_TYPE,
    render: async () => JSON.stringify(await render()),
  });
  return {
    "/livez": json(() => ({ status: "ok" })),
    "/readyz": json(async () => {
      if (state.isStopping) throw new AppError({ code: "unavailable", message: "shutting down" });
      await deps.database.ping();
      return { status: "ok" };
    }),
    "/version": json(() => ({ version: deps.settings.version, node: process.version })),
    // For KEDA's metrics-api scaler.
    "/scale": json(() => deps.wanted()),
    "/metrics": { contentType: `${TEXT}; version=0.0.4`, render: () => deps.metrics.render() },
  };
}
