import type { ApiDeps } from "../../deps.ts";
import type { FoundStorage } from "./handlers.ts";
import { readStatus } from "./read-status.ts";
import { toStoredDraft } from "./storage-request.ts";
import { toStorageView, type StorageWarning } from "./view.ts";
import { findOverlaps } from "./warnings.ts";

/** One storage with its status and its warnings, `noticed` ones first. Changes nothing. */
export async function showStorage(
  deps: Pick<ApiDeps, "storages" | "stores" | "runs" | "issues" | "deliveries">,
  { kind, storage }: FoundStorage,
  noticed: readonly StorageWarning[] = [],
): Promise<Record<string, unknown>> {
  const { unreadable } = toStoredDraft(storage, (one) => deps.storages.openSecrets(one));
  const [status, overlaps] = await Promise.all([
    readStatus(deps, storage),
    findOverlaps(deps, kind, storage),
  ]);
  const secrets: readonly StorageWarning[] =
    unreadable === undefined ? [] : [{ code: "secret.unreadable", message: unreadable.message }];
  return toStorageView(kind.shape, storage, status, [...noticed, ...secrets, ...overlaps]);
}
