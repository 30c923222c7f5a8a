import type { WorkerGroup } from "@bucketbridge/config";
import type { PayloadOf, QueueName } from "@bucketbridge/contracts";
import { createWorker, type WorkerBinding, type WorkerBindingOptions } from "@bucketbridge/queue";
import type { WorkerDeps } from "./deps.ts";
import { createExportPushHandler } from "./handlers/export-push.ts";
import { createExportSyncHandler } from "./handlers/export-sync.ts";
import { createExportSnapshotHandler } from "./handlers/export-snapshot.ts";
import { createImportLoadHandler } from "./handlers/import-load.ts";
import { createImportRunHandler } from "./handlers/import-run.ts";
import { inTurns } from "./handlers/in-turns.ts";

/** Queues of each group: parsing may stall a loop, and pushes must not wait for it. */
const QUEUES_BY_GROUP: Readonly<Record<WorkerGroup, readonly QueueName[]>> = {
  import: ["import", "maintenance"],
  export: ["export"],
};

/** Starts a worker for each queue of the process's groups. */
export function startWorkers(deps: WorkerDeps): WorkerBinding[] {
  const options: WorkerBindingOptions = {
    backend: deps.backend,
    concurrency: deps.settings.concurrency,
    log: deps.log,
    onTurn: (turn) => {
      deps.metrics.onTurn(turn);
    },
    lockMs: deps.settings.lockMs,
    stalledIntervalMs: deps.settings.stalledIntervalMs,
  };
  const queues = deps.settings.groups.flatMap((group) => QUEUES_BY_GROUP[group]);
  return queues.map((queue) => START[queue](deps, options));
}

/** One table of handlers per queue. */
const START: Readonly<
  Record<QueueName, (deps: WorkerDeps, options: WorkerBindingOptions) => WorkerBinding>
> = {
  import: (deps, options) =>
    createWorker(
      "import",
      {
        "import.run": inTurns<"import.run", PayloadOf<"import.run">>(
          deps.numbers,
          createImportRunHandler(deps),
        ),
        "import.load": inTurns<"import.load", PayloadOf<"import.load">>(
          deps.numbers,
          createImportLoadHandler(deps),
        ),
      },
      options,
    ),
  export: (deps, options) =>
    createWorker(
      "export",
      {
        "export.sync": inTurns<"export.sync", PayloadOf<"export.sync">>(
          deps.numbers,
          createExportSyncHandler(deps),
        ),
        "export.push": inTurns<"export.push", PayloadOf<"export.push">>(
          deps.numbers,
          createExportPushHandler(deps),
          { startsAtOnce: true },
        ),
        "export.snapshot": inTurns<"export.snapshot", PayloadOf<"export.snapshot">>(
          deps.numbers,
          createExportSnapshotHandler(deps),
        ),
      },
      options,
    ),
  maintenance: (_deps, options) => createWorker("maintenance", {}, options),
};
