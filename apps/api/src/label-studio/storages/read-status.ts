import type { DeliveryRecord, RunRecord, StatusRuns, StorageRecord } from "@bucketbridge/db";
import type { ApiDeps } from "../../deps.ts";
import { runToStatus, type StatusIssue, type StatusRun, type StatusView } from "./status-view.ts";

/** A traceback is read by people; the rest is a download away. */
const MAX_LINES = 100;

type Deps = Pick<ApiDeps, "runs" | "issues" | "deliveries">;

/** The status of each storage, in the order of `storages`. Reads only. */
export async function readStatuses(
  deps: Deps,
  organizationId: number,
  storages: readonly StorageRecord[],
): Promise<readonly StatusView[]> {
  const ids = storages.map(({ id }) => id);
  const found = await deps.runs.listStatusRuns(organizationId, ids);
  const targets = new Set(
    storages.filter(({ direction }) => direction === "target").map(({ id }) => id),
  );
  const withErrors = found.filter(hasErrors);
  const ofSources = withErrors
    .filter(({ storageId }) => !targets.has(storageId))
    .flatMap(({ runs }) => runs.map(({ id }) => id));
  const open = await deps.issues.listOpen(organizationId, ofSources, MAX_LINES);
  const lines = new Map<number, readonly StatusIssue[]>(
    Map.groupBy(open, ({ storageId }) => storageId),
  );
  for (const { storageId, runs } of withErrors.filter((entry) => targets.has(entry.storageId))) {
    const runId = runs.at(-1)?.id;
    const filter = { targetId: storageId, status: "failing", runId, limit: MAX_LINES } as const;
    const failing = await deps.deliveries.list(organizationId, filter);
    lines.set(storageId, failing.map(toLine));
  }
  const runsByStorage = new Map(found.map((entry) => [entry.storageId, entry]));
  return storages.map((storage) =>
    toStatus(storage, runsByStorage.get(storage.id), lines.get(storage.id) ?? []),
  );
}

/** The status of one storage. */
export async function readStatus(deps: Deps, storage: StorageRecord): Promise<StatusView> {
  const [status] = await readStatuses(deps, storage.organizationId, [storage]);
  return status ?? toStatus(storage, undefined, []);
}

function hasErrors({ runs }: StatusRuns): boolean {
  return runs.some(({ state }) => state === "completed_with_errors");
}

function toStatus(
  { id, direction }: StorageRecord,
  found: StatusRuns | undefined,
  lines: readonly StatusIssue[],
): StatusView {
  return runToStatus({
    storageId: id,
    direction,
    runs: (found?.runs ?? []).map(toStatusRun),
    attempts: found?.attempts ?? 0,
    issues: lines.slice(0, MAX_LINES),
  });
}

function toLine(delivery: DeliveryRecord): StatusIssue {
  const { subjectType, subjectId, errorCode, errorMessage } = delivery;
  return {
    key: `${subjectType} ${String(subjectId)}`,
    rowIndex: -1,
    byteOffset: null,
    message: errorMessage ?? errorCode ?? "not written",
  };
}

function toStatusRun(run: RunRecord): StatusRun {
  // The repository gives syncs and retries only.
  const kind = run.kind === "retry" ? "retry" : "sync";
  return { ...run, kind };
}
