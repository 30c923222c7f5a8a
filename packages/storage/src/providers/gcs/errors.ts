import type { ErrorClass } from "../../driver.ts";
import { lookUp } from "../look-up.ts";
import { parseRetryAfter } from "../retry-after.ts";
import {
  BUCKET_NOT_FOUND,
  BUCKETS_GET_DENIED,
  BY_NETWORK_CODE,
  BY_REASON,
  BY_STATUS,
  KMS_KEY,
  OVERWRITE_DENIED,
} from "./error-table.ts";
import { GoogleFailure } from "./google-request.ts";
import { classifyIdentityFailure } from "./identity-errors.ts";

/** Explanations that only the call knows, by the error object. */
const EXPLAINED = new WeakMap<object, ErrorClass>();

/** Notes what an error means in the call that got it, where the answer alone does not say. Returns the error. */
export function explainError(error: GoogleFailure, meaning: ErrorClass): GoogleFailure {
  EXPLAINED.set(error, meaning);
  return error;
}

/** What an error of a call to Google means; undefined for errors that are none. Never shows a sentence of the service. */
export function classifyGcsError(error: unknown): ErrorClass | undefined {
  if (!(error instanceof Error)) return undefined;
  const explained = EXPLAINED.get(error);
  if (explained !== undefined) return explained;
  return error instanceof GoogleFailure ? classifyFailure(error) : classifyNetworkError(error);
}

/** A 404 about the bucket instead of the object. */
export function isBucketMissing(failure: GoogleFailure): boolean {
  return failure.status === 404 && failure.says(/bucket does not exist/i);
}

function classifyFailure(failure: GoogleFailure): ErrorClass | undefined {
  const found = classifyIdentityFailure(failure) ?? classifyStorageFailure(failure);
  if (found === undefined) return undefined;
  const retryAfterMs = parseRetryAfter(failure.headers["retry-after"]);
  return {
    ...found,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    detail: `${found.detail ?? "the store refuses"} (${describeAnswer(failure)})`,
  };
}

/** Google tells some refusals apart by their sentences alone. */
const BY_SENTENCE: readonly (readonly [number, RegExp, ErrorClass])[] = [
  [404, /bucket does not exist/i, BUCKET_NOT_FOUND],
  [403, /storage\.objects\.delete/, OVERWRITE_DENIED],
  [403, /storage\.buckets\.get\b/, BUCKETS_GET_DENIED],
  [403, /cloudkms|Cloud KMS|CryptoKey/i, KMS_KEY],
  [400, /cloudkms|Cloud KMS|CryptoKey/i, KMS_KEY],
];

function classifyStorageFailure(failure: GoogleFailure): ErrorClass | undefined {
  const { status, reason } = failure;
  const said = BY_SENTENCE.find(
    ([wanted, pattern]) => wanted === status && failure.says(pattern),
  )?.[2];
  if (said !== undefined) return said;
  const known = lookUp(BY_REASON, reason);
  return known ?? BY_STATUS[status] ?? BY_STATUS[status >= 500 ? 500 : status >= 400 ? 400 : 200];
}

function classifyNetworkError(error: Error): ErrorClass | undefined {
  if (error.name === "AbortError") return { code: "canceled" };
  if (error.name === "TimeoutError") return BY_NETWORK_CODE["ETIMEDOUT"];
  const code = networkCode(error);
  if (code === undefined) return undefined;
  const found = lookUp(BY_NETWORK_CODE, code.startsWith("HPE_") ? "HPE_*" : code);
  return found === undefined
    ? undefined
    : { ...found, detail: `${found.detail ?? code} (${code})` };
}

/** undici puts the socket's own error below its own. */
function networkCode(error: Error): string | undefined {
  const own = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (own !== undefined && own !== "UND_ERR_SOCKET") return own;
  return (error.cause instanceof Error ? networkCode(error.cause) : undefined) ?? own;
}

function describeAnswer({ reason, status }: GoogleFailure): string {
  return reason === undefined ? `HTTP ${String(status)}` : `${reason}, HTTP ${String(status)}`;
}
