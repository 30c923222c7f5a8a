import { AppError, isAppError } from "@bucketbridge/core";
import type { ErrorClass, StorageDriver } from "../../driver.ts";
import { classifyFailure } from "../../failure.ts";
import type { StorageDirection } from "../provider-deps.ts";
import { textOf, type S3Settings } from "./settings.ts";

/** What the contract's check looks at. */
export interface ConnectionCheck {
  readonly direction: StorageDirection;
  readonly prefix: string;
  readonly signal: AbortSignal;
}

/**
 * The contract's check (ls-api §7.6), the same for AWS and for custom endpoints: the bucket can be listed, and of a source with
 * a prefix at least one key begins with it. One listing of one key does all of it, since a HEAD would not say what is wrong.
 * The sentences are the contract's; `context` holds what the store said and what to do.
 */
export async function checkS3Connection(
  driver: StorageDriver,
  settings: S3Settings,
  { direction, prefix, signal }: ConnectionCheck,
): Promise<void> {
  const bucket = textOf(settings.bucket) ?? "";
  let found: number;
  try {
    const page = await driver.listPage({ prefix, recursive: true, limit: 1 }, { signal });
    found = page.keys.length;
  } catch (error) {
    throw toContractError(error, bucket, classifyFailure(driver, error, signal));
  }
  if (found > 0 || prefix === "" || direction === "target") return;
  throw new AppError({
    code: "not_found",
    reason: "s3.prefix_not_found",
    message: `s3://${bucket}/${prefix} not found.`,
  });
}

function toContractError(error: unknown, bucket: string, known: ErrorClass | undefined): AppError {
  const { code = "internal", reason, detail, hint } = known ?? {};
  if (reason?.startsWith("egress.") === true && isAppError(error)) return error;
  // What keeps us from signing at all is no refusal of the bucket.
  const message = reason?.startsWith("s3s.") === true ? detail : undefined;
  return new AppError({
    code,
    reason,
    message: message ?? toSentence(bucket, known),
    context: { bucket, detail, hint },
    cause: error,
  });
}

function toSentence(bucket: string, known: ErrorClass | undefined): string {
  if (known?.reason === "s3.bucket_missing") return "Error validating storage connection";
  switch (known?.code) {
    case "permission_denied":
    case "unauthenticated":
      return `Cannot connect to S3 ${bucket} with specified AWS credentials`;
    case "not_found":
      return `Cannot find bucket ${bucket} in S3`;
    case "timeout":
    case "canceled":
      return `Cannot connect to S3 ${bucket}: the store did not answer in time; check the endpoint`;
    default: {
      const said = known?.detail ?? "an unexpected error";
      return `Cannot connect to S3 ${bucket}: ${said}${known?.hint === undefined ? "" : `; ${known.hint}`}`;
    }
  }
}
