import { exportLabel, importLabel } from "@bucketbridge/contracts";
import { AppError } from "@bucketbridge/core";
import type { RequestedRun, StorageRecord } from "@bucketbridge/db";
import { notFound } from "../api-error.ts";
import type { ApiDeps } from "../deps.ts";

/** What the caller wants to be done. */
export interface StartOptions {
  readonly kind: "sync" | "dry_run" | "retry" | "reconcile";
  readonly actorId: number;
  /** What asked; absent: a request for this run. */
  readonly trigger?: string;
  /** Of a target's sync: only what it does not hold in its newest revision. */
  readonly onlyChanged?: boolean | undefined;
  /** Of a comparison: what differs is written again. */
  readonly repair?: boolean | undefined;
}

/**
 * Asks for a run and rings for it after the commit. The ring is bounded and never fails: when nobody hears it, the sweep
 * rings again. A run that is queued or waiting already is the answer.
 */
export async function startRun(
  deps: Pick<ApiDeps, "runRequests" | "bell">,
  storage: StorageRecord,
  options: StartOptions,
): Promise<RequestedRun> {
  if (!storage.synchronizable) throw notSynchronizable(storage.id);
  const run = await askForRun(deps, storage, options);
  if (run === undefined) throw notFound("Storage");
  if (run.state !== "waiting") await ring(deps, storage, run);
  return run;
}

function askForRun(
  { runRequests }: Pick<ApiDeps, "runRequests">,
  { organizationId, id, direction }: StorageRecord,
  { kind, actorId, trigger = "api", onlyChanged, repair }: StartOptions,
): Promise<RequestedRun | undefined> {
  const asked = { organizationId, actorId, trigger };
  if (direction === "source") return runRequests.request({ ...asked, storageId: id, kind });
  if (kind === "dry_run") throw noDryRun(id);
  const options = repair === true ? { repair } : {};
  return runRequests.requestExport({ ...asked, targetId: id, kind, onlyChanged, options });
}

/** Asks the run to stop; ends it at once when no worker holds anything of it. A final run stays as it is. */
export async function cancelRun(
  deps: Pick<ApiDeps, "runRequests" | "bell" | "runs" | "storages">,
  run: { readonly organizationId: number; readonly runId: number },
): Promise<void> {
  const outcome = await deps.runRequests.cancel(run);
  const { organizationId } = run;
  if (outcome === undefined) throw notFound("Run");
  if (outcome.nextRunId !== null) await ringRun(deps, organizationId, outcome.nextRunId);
}

/** Rings for a run that a change has just started. */
export async function ringRun(
  deps: Pick<ApiDeps, "bell" | "runs" | "storages">,
  organizationId: number,
  runId: number,
): Promise<void> {
  const run = await deps.runs.find(organizationId, runId);
  const storage = run && (await deps.storages.find(organizationId, run.storageId, {}));
  if (storage !== undefined) await ring(deps, storage, { runId, number: run?.number ?? 0 });
}

/** Rings for a run that came with its storage. */
export async function ringStarted(
  deps: Pick<ApiDeps, "bell">,
  storage: StorageRecord,
  run: Pick<RequestedRun, "runId" | "number">,
): Promise<void> {
  await ring(deps, storage, run);
}

async function ring(
  { bell }: Pick<ApiDeps, "bell">,
  storage: StorageRecord,
  { runId, number }: Pick<RequestedRun, "runId" | "number">,
): Promise<void> {
  const { organizationId, provider, title } = storage;
  const shown = { provider, title, number };
  const run = { v: 1, organizationId, runId } as const;
  if (storage.direction === "source") {
    await bell.ring("import.run", { ...run, label: importLabel(shown) });
  } else {
    const targetId = storage.id;
    await bell.ring("export.sync", { ...run, targetId, label: exportLabel(shown) });
  }
}

function noDryRun(storageId: number): AppError {
  return new AppError({
    code: "unsupported",
    reason: "target.no_dry_run",
    message: `storage ${String(storageId)} is a target: a dry run tells what a source would import`,
  });
}

function notSynchronizable(storageId: number): AppError {
  return new AppError({
    code: "invalid_config",
    reason: "storage.not_synchronizable",
    message: `storage ${String(storageId)} is not synchronizable; set synchronizable to true to start runs of it`,
  });
}
