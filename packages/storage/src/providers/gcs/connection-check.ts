import { AppError, isAppError } from "@bucketbridge/core";
import type { ErrorClass, StorageDriver } from "../../driver.ts";
import { classifyFailure } from "../../failure.ts";
import type { StorageDirection } from "../provider-deps.ts";
import { textOf, type GcsPlaceSettings } from "./settings.ts";

/** What the contract's check looks at. */
export interface ConnectionCheck {
  readonly direction: StorageDirection;
  readonly prefix: string;
  readonly signal: AbortSignal;
}

/**
 * The contract's check (ls-api §7.6): the bucket can be listed, and of a source with a prefix at least one object begins with
 * it. It asks for the list alone, so `storage.buckets.get` is not needed. Where the contract has a sentence, `message` is it.
 */
export async function checkGcsConnection(
  driver: StorageDriver,
  settings: GcsPlaceSettings,
  { direction, prefix, signal }: ConnectionCheck,
): Promise<void> {
  const bucket = textOf(settings.bucket);
  if (bucket === undefined) {
    throw new AppError({
      code: "invalid_config",
      reason: "gcs.bucket_missing",
      message: "Cannot determine path without bucket name.",
    });
  }
  let found: number;
  try {
    const page = await driver.listPage({ prefix, recursive: true, limit: 1 }, { signal });
    // A page may be empty and still lead to others.
    found = page.cursor === undefined ? page.keys.length : 1;
  } catch (error) {
    throw toContractError(error, bucket, classifyFailure(driver, error, signal));
  }
  if (found > 0 || prefix === "" || direction === "target") return;
  throw new AppError({
    code: "not_found",
    reason: "gcs.prefix_not_found",
    message: `No blobs found in ${bucket}/${prefix} or prefix doesn't exist`,
  });
}

function toContractError(error: unknown, bucket: string, known: ErrorClass | undefined): AppError {
  const { code = "internal", reason, detail, hint } = known ?? {};
  if (isAppError(error) && reason !== undefined) return error;
  const said = detail ?? (code === "canceled" ? "no answer in time" : "an unexpected error");
  return new AppError({
    code,
    reason,
    message: `Cannot connect to Google Cloud Storage ${bucket}: ${said}${hint === undefined ? "" : `; ${hint}`}`,
    context: { bucket, detail, hint },
    cause: error,
  });
}
