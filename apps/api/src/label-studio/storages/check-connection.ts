import { isAppError } from "@bucketbridge/core";
import { isEgressRefusal } from "@bucketbridge/storage/egress";
import { ApiError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import type { StorageDraft } from "./draft.ts";
import type { StorageKind } from "./storage-kind.ts";

/** All checks of one request together; an answer must come before the client gives up. */
const CHECK_MS = 20_000;

/** Settings that name no place yet: such a storage can be saved (ls-api §2.2), and its runs fail until it has one. */
const NO_PLACE_YET: ReadonlySet<string | undefined> = new Set(["s3.bucket_missing"]);

/** The check before a storage is saved. */
export async function checkBeforeSave(
  deps: Pick<ApiDeps, "stores">,
  kind: StorageKind,
  draft: StorageDraft,
  signal: AbortSignal,
): Promise<void> {
  try {
    await checkConnection(deps, kind, draft, signal);
  } catch (error) {
    if (!isAppError(error) || !NO_PLACE_YET.has(error.reason)) throw error;
  }
}

/**
 * Asks the store whether the connection works, before anything is written. A refusal of the store is the caller's 400 with
 * the provider's sentence, a refused address 403 (design §13).
 */
export async function checkConnection(
  { stores }: Pick<ApiDeps, "stores">,
  kind: StorageKind,
  draft: StorageDraft,
  signal: AbortSignal,
): Promise<void> {
  const settings = { ...draft.settings, ...draft.secrets };
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS)]);
  try {
    await stores.check(kind.definition, settings, {
      direction: "source",
      prefix: draft.prefix ?? "",
      signal: deadline,
    });
  } catch (error) {
    throw toCheckError(error);
  }
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
