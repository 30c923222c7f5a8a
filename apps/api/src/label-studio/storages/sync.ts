import type { StorageRecord } from "@bucketbridge/db";
import { ApiError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import type { RunWatchers } from "../../runs/run-watchers.ts";
import { startRun } from "../../runs/start-and-cancel.ts";
import { waitForFinal } from "../../runs/wait-for-final.ts";

/**
 * Asks for a sync and waits a moment for its end, so that scripts written for the inline mode of the contract see the result.
 * Whatever is true then is the answer; a sync that is queued or running already is no error.
 */
export async function syncStorage(
  deps: Pick<ApiDeps, "runRequests" | "bell" | "settings"> & { readonly watchers: RunWatchers },
  storage: StorageRecord,
  options: { readonly actorId: number; readonly signal: AbortSignal },
): Promise<void> {
  if (!storage.synchronizable) throw notSynchronizable(storage.id);
  const started = await startRun(deps, storage, { kind: "sync", actorId: options.actorId });
  // It waits behind an active run: that one decides when.
  if (started.state === "waiting") return;
  const run = { organizationId: storage.organizationId, runId: started.runId };
  const wait = { timeoutMs: deps.settings.syncWaitMs, signal: options.signal };
  await waitForFinal(deps.watchers, run, wait);
}

/** The one answer of the contract without its envelope (ls-api §1.6). */
function notSynchronizable(storageId: number): ApiError {
  const message = `Storage ${String(storageId)} is not synchronizable`;
  return new ApiError({
    status: 400,
    code: "invalid_config",
    detail: message,
    reason: "storage.not_synchronizable",
    body: { message },
  });
}
