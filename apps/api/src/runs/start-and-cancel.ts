import { importLabel } from "@bucketbridge/contracts";
import { AppError } from "@bucketbridge/core";
import type { RequestedRun, StorageRecord } from "@bucketbridge/db";
import { notFound } from "../api-error.ts";
import type { ApiDeps } from "../deps.ts";

/** What the caller wants to be done. */
export interface StartOptions {
  readonly kind: "sync" | "dry_run" | "retry";
  readonly actorId: number;
}

/**
 * Asks for a run and rings for it after the commit. The ring is bounded and never fails: when nobody hears it, the sweep
 * rings again. A run that is queued or waiting already is the answer.
 */
export async function startRun(
  deps: Pick<ApiDeps, "runRequests" | "bell">,
  storage: StorageRecord,
  { kind, actorId }: StartOptions,
): Promise<RequestedRun> {
  if (!storage.synchronizable) throw notSynchronizable(storage.id);
  const { organizationId, id: storageId } = storage;
  const request = { organizationId, storageId, kind, actorId, trigger: "api" };
  const run = await deps.runRequests.request(request);
  if (run === undefined) throw notFound("Storage");
  if (run.state !== "waiting") await ring(deps, storage, run);
  return run;
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
  const filter = { direction: "source" } as const;
  const storage = run && (await deps.storages.find(organizationId, run.storageId, filter));
  if (storage !== undefined) await ring(deps, storage, { runId, number: run?.number ?? 0 });
}

async function ring(
  { bell }: Pick<ApiDeps, "bell">,
  storage: StorageRecord,
  { runId, number }: Pick<RequestedRun, "runId" | "number">,
): Promise<void> {
  const { organizationId, provider, title } = storage;
  const label = importLabel({ provider, title, number });
  await bell.ring("import.run", { v: 1, organizationId, runId, label });
}

function notSynchronizable(storageId: number): AppError {
  return new AppError({
    code: "invalid_config",
    reason: "storage.not_synchronizable",
    message: `storage ${String(storageId)} is not synchronizable; set synchronizable to true to start runs of it`,
  });
}
