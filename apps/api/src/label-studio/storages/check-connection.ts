import { isAppError } from "@bucketbridge/core";
import { isEgressRefusal } from "@bucketbridge/storage/egress";
import { ApiError, nonFieldError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import type { StorageDraft } from "./draft.ts";
import type { StorageKind } from "./storage-kind.ts";

/** All checks of one request together; an answer must come before the client gives up. */
const CHECK_MS = 20_000;

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
  return nonFieldError(error.message);
}
