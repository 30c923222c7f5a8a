import { isAppError } from "@bucketbridge/core";
import { isEgressRefusal } from "@bucketbridge/storage/egress";
import { expandTargetPrefix } from "@bucketbridge/sync";
import { ApiError, nonFieldError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import type { StoreScope } from "../../stores/stores.ts";
import type { StorageDraft } from "./draft.ts";
import { refuseSharedDatabase } from "./shared-database.ts";
import type { StorageKind } from "./storage-kind.ts";
import type { StorageWarning } from "./view.ts";

/** All checks of one request together; an answer must come before the client gives up. */
export const CHECK_MS = 20_000;

const LIST_DENIED: StorageWarning = {
  code: "target.list_denied",
  message:
    "the credentials may not list the storage, so it could not be checked; writing needs no listing, but comparing the storage with the database does",
};

/** The contract's words for a connection that cannot even be tried. */
const NOTHING_TO_CHECK = "Error validating storage connection";

/** Whose storage is looked at, and what ends the look. */
export interface Asker {
  readonly organizationId: number;
  /** Undefined before the storage is saved. */
  readonly storageId: number | undefined;
  /** The prefix of a target may name it. */
  readonly projectId: number;
  readonly signal: AbortSignal;
}

/** The check before a storage is saved. A source that names no place yet can be saved; its runs fail until it has one. */
export async function checkBeforeSave(
  deps: Pick<ApiDeps, "stores" | "storages">,
  kind: StorageKind,
  draft: StorageDraft,
  asker: Asker,
): Promise<readonly StorageWarning[]> {
  if (kind.direction === "target" || isPlaced(kind, draft)) {
    return checkConnection(deps, kind, draft, asker);
  }
  await checkHosts(deps, kind, draft, asker.signal);
  return [];
}

/**
 * Asks the store whether the connection works, before anything is written. A refusal of the store is the caller's 400 with
 * the provider's sentence, a refused address 403 (design §13). A target is only written, so credentials that may not list are a
 * warning there.
 */
export async function checkConnection(
  deps: Pick<ApiDeps, "stores" | "storages">,
  kind: StorageKind,
  draft: StorageDraft,
  asker: Asker,
): Promise<readonly StorageWarning[]> {
  if (!isPlaced(kind, draft)) {
    await checkHosts(deps, kind, draft, asker.signal);
    throw nonFieldError(NOTHING_TO_CHECK);
  }
  try {
    const signal = AbortSignal.any([asker.signal, AbortSignal.timeout(CHECK_MS)]);
    await refuseSharedDatabase(deps, kind, draft, { ...asker, signal });
    const scope = toScope(kind, draft, asker);
    return await deps.stores.check(kind.definition, toFullSettings(draft), scope, signal);
  } catch (error) {
    if (kind.direction !== "target" || !isListDenied(error)) throw toCheckError(error);
    return [LIST_DENIED];
  }
}

/**
 * Refusals to look at a bucket by a store that knows who asks. Others of the same code, such as that of an identity that nobody may
 * act as, keep a target from writing too. One without a reason is what a file system or an unknown store says.
 */
const LOOK_REFUSALS: ReadonlySet<string | undefined> = new Set([
  undefined,
  "s3.access_denied",
  "gcs.access_denied",
  "gcs.buckets_get_denied",
  "azure.role_missing",
  "databricks.access_denied",
  "redis.no_permission",
]);

function isListDenied(error: unknown): boolean {
  if (isEgressRefusal(error)) return false;
  return isAppError(error, "permission_denied") && LOOK_REFUSALS.has(error.reason);
}

/** As a store is opened for the draft. */
export function toScope(
  { direction }: Pick<StorageKind, "direction">,
  { prefix: typed }: Pick<StorageDraft, "prefix">,
  { organizationId, storageId, projectId }: Omit<Asker, "signal">,
): StoreScope {
  const prefix = direction === "target" ? expandTargetPrefix({ prefix: typed, projectId }) : typed;
  return { organizationId, storageId, direction, prefix };
}

/** Nothing would be sent to these hosts yet, but a refusal should not wait for the first run. */
async function checkHosts(
  { stores }: Pick<ApiDeps, "stores">,
  kind: StorageKind,
  draft: StorageDraft,
  signal: AbortSignal,
): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS)]);
  try {
    await stores.checkHosts(kind.definition, toFullSettings(draft), deadline);
  } catch (error) {
    throw toCheckError(error);
  }
}

function isPlaced({ definition }: StorageKind, draft: StorageDraft): boolean {
  return definition.isPlaced?.(toFullSettings(draft)) !== false;
}

/** As the provider's schema takes them. */
export function toFullSettings({ settings, secrets }: StorageDraft): Record<string, unknown> {
  return { ...settings, ...secrets };
}

/** What the wire answers for a failure on the way to a user's store. Errors of our own pass through. */
export function toCheckError(error: unknown): unknown {
  if (isEgressRefusal(error)) {
    const { code, message: detail } = error;
    return new ApiError({ status: 403, code, detail });
  }
  if (!isAppError(error) || error.code === "internal" || error instanceof ApiError) return error;
  return new ApiError({
    status: 400,
    code: error.code,
    detail: "Validation error",
    validationErrors: { non_field_errors: [error.message] },
    ...(error.reason === undefined ? {} : { reason: error.reason }),
  });
}
