import type * as Sdk from "@azure/storage-blob";
import { untilAborted } from "@bucketbridge/core";
import type { PresignOptions } from "../../driver.ts";
import { explainError } from "./errors.ts";

/**
 * The rules by which a signature is computed. An older version than the SDK's own, so that sovereign clouds and Azurite know it
 * too, and so that a signed URL does not change with an update of the SDK.
 */
const SAS_VERSION = "2025-11-05";
const DAY_MS = 86_400_000;
/** Azure's limit is seven days. A key of two is good for at least one when it is fetched anew at midnight. */
const DELEGATION_KEY_DAYS = 2;
/** Several signatures wait for one key, so none of their signals may end the request for it. */
const KEY_TIMEOUT_MS = 10_000;

/** Which blob, and until when. */
export interface SasRequest {
  readonly containerName: string;
  readonly key: string;
  readonly options: PresignOptions;
  readonly nowMs: number;
}

/** Makes the query of a signed URL. */
export type SasSigner = (request: SasRequest, signal: AbortSignal) => Promise<string>;

/** Signs with the account's key, without a request. */
export function createKeySigner(
  sdk: typeof Sdk,
  credential: Sdk.StorageSharedKeyCredential,
): SasSigner {
  return (request) => {
    const expiresOn = expiryOf(request);
    const values = toValues(sdk, request, expiresOn);
    return Promise.resolve(sdk.generateBlobSASQueryParameters(values, credential).toString());
  };
}

interface DelegationKey {
  readonly startMs: number;
  readonly endMs: number;
  readonly key: Promise<Sdk.UserDelegationKey>;
}

/**
 * Signs with a user delegation key, which Azure gives to a service principal. It is kept in memory for its day and never leaves
 * this function; a URL lives no longer than its key.
 */
export function createDelegationSigner(
  sdk: typeof Sdk,
  service: Sdk.BlobServiceClient,
  accountName: string,
): SasSigner {
  let current: DelegationKey | undefined;
  return async (request, signal) => {
    const startMs = Math.floor(request.nowMs / DAY_MS) * DAY_MS;
    if (current?.startMs !== startMs) {
      const endMs = startMs + DELEGATION_KEY_DAYS * DAY_MS;
      const fetched = { startMs, endMs, key: fetchKey(service, { startMs, endMs }) };
      current = fetched;
      fetched.key.catch(() => {
        if (current === fetched) current = undefined;
      });
    }
    const { endMs, key } = current;
    const expiresOn = new Date(Math.min(expiryOf(request).getTime(), endMs));
    const values = toValues(sdk, request, expiresOn);
    const delegationKey = await untilAborted(key, signal);
    return sdk.generateBlobSASQueryParameters(values, delegationKey, accountName).toString();
  };
}

async function fetchKey(
  service: Sdk.BlobServiceClient,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): Promise<Sdk.UserDelegationKey> {
  const abortSignal = AbortSignal.timeout(KEY_TIMEOUT_MS);
  try {
    return await service.getUserDelegationKey(new Date(startMs), new Date(endMs), { abortSignal });
  } catch (error) {
    if (abortSignal.aborted) throw abortSignal.reason;
    const refused = (error as { readonly statusCode?: unknown }).statusCode === 403;
    throw refused ? explainError(error, DELEGATOR_MISSING) : error;
  }
}

const DELEGATOR_MISSING = {
  code: "permission_denied",
  reason: "azure.role_missing",
  detail: "the identity may not sign URLs",
  hint: "assign Storage Blob Delegator on the storage account, or turn pre-signed URLs off",
} as const;

/** Counted from the signing time, which is rounded down so that a URL stays the same within its window. */
function expiryOf({ nowMs, options }: SasRequest): Date {
  const windowMs = (options.windowSeconds ?? 0) * 1_000;
  const startMs = windowMs > 0 ? Math.floor(nowMs / windowMs) * windowMs : nowMs;
  return new Date(startMs + Math.floor(options.ttlSeconds) * 1_000);
}

/** Read only: a SAS for reading serves GET and HEAD alike. */
function toValues(
  sdk: typeof Sdk,
  { containerName, key, options }: SasRequest,
  expiresOn: Date,
): Sdk.BlobSASSignatureValues {
  const { contentType, disposition } = options;
  return {
    version: SAS_VERSION,
    containerName,
    blobName: key,
    permissions: sdk.BlobSASPermissions.parse("r"),
    expiresOn,
    ...(contentType === undefined ? {} : { contentType }),
    ...(disposition === undefined ? {} : { contentDisposition: disposition }),
  };
}
