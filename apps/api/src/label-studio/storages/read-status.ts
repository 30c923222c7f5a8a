import type { IssueRecord, RunRecord, StatusRuns, StorageRecord } from "@bucketbridge/db";
import type { ApiDeps } from "../../deps.ts";
import { runToStatus, type StatusRun, type StatusView } from "./status-view.ts";

/** A traceback is read by people; the rest is a download away. */
const MAX_LINES = 100;

/** The status of each storage, in the order of `storages`. Reads only. */
export async function readStatuses(
  { runs, issues }: Pick<ApiDeps, "runs" | "issues">,
  organizationId: number,
  storages: readonly StorageRecord[],
): Promise<readonly StatusView[]> {
  const ids = storages.map(({ id }) => id);
  const found = await runs.listStatusRuns(organizationId, ids);
  const withErrors = found.filter(hasErrors).flatMap((entry) => entry.runs.map(({ id }) => id));
  const open = await issues.listOpen(organizationId, withErrors, MAX_LINES);
  const issuesByStorage = Map.groupBy(open, ({ storageId }) => storageId);
  const runsByStorage = new Map(found.map((entry) => [entry.storageId, entry]));
  return ids.map((id) => toStatus(runsByStorage.get(id), issuesByStorage.get(id) ?? []));
}

/** The status of one storage. */
export async function readStatus(
  deps: Pick<ApiDeps, "runs" | "issues">,
  storage: StorageRecord,
): Promise<StatusView> {
  const [status] = await readStatuses(deps, storage.organizationId, [storage]);
  return status ?? toStatus(undefined, []);
}

function hasErrors({ runs }: StatusRuns): boolean {
  return runs.some(({ state }) => state === "completed_with_errors");
}

function toStatus(found: StatusRuns | undefined, issues: readonly IssueRecord[]): StatusView {
  return runToStatus({
    runs: (found?.runs ?? []).map(toStatusRun),
    attempts: found?.attempts ?? 0,
    issues: issues.slice(0, MAX_LINES),
  });
}

function toStatusRun(run: RunRecord): StatusRun {
  // The repository gives syncs and retries only.
  const kind = run.kind === "retry" ? "retry" : "sync";
  return { ...run, kind };
}
