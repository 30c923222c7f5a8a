import type { AppError } from "@bucketbridge/core";
import type { RunFailure } from "./ports.ts";

/** What a run keeps of the error that ended it. The message is safe: `ObjectStore` and parsers have redacted it. */
export function toRunFailure(error: AppError): RunFailure {
  return { code: error.code, reason: error.reason ?? null, message: error.message };
}
