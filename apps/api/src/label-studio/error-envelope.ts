import { HTTP_STATUS_BY_CODE, type AppError } from "@bucketbridge/core";
import { ApiError, nonFieldError, type ValidationErrors } from "../api-error.ts";

/** The release whose wire contract this API speaks. Clients compare it, so it is not our own version. */
export const CONTRACT_VERSION = "1.23.2";

/** The contract's error body; the order of the keys is part of it. */
export interface ErrorEnvelope {
  readonly id: string;
  readonly status_code: number;
  readonly version: string;
  readonly detail: string;
  readonly exc_info: null;
  readonly validation_errors?: ValidationErrors;
}

/** `error` as the contract writes it. `id` is that of the request, so that the log can be searched for it. */
export function toEnvelope(error: ApiError, id: string): ErrorEnvelope {
  return {
    id,
    status_code: error.status,
    version: CONTRACT_VERSION,
    detail: error.message,
    exc_info: null,
    ...(error.validationErrors === undefined ? {} : { validation_errors: error.validationErrors }),
  };
}

/**
 * What an `AppError` is on the compatible wire. A store's failure is the caller's 400 and never a 409 or 5xx, which the
 * SDK would repeat by itself (design §13); a refused address is 403 with its text.
 */
export function toWireError(error: AppError): ApiError {
  if (error instanceof ApiError) return error;
  const { code, message } = error;
  if (error.reason === "egress.private_address")
    return new ApiError({ status: 403, code, detail: message });
  if (isFailureOfStore(error)) return nonFieldError(message);
  switch (code) {
    case "unavailable":
    case "timeout":
    case "rate_limited":
    case "not_found":
      return new ApiError({ status: HTTP_STATUS_BY_CODE[code], code, detail: message });
    case "internal":
      return internalError();
    case "invalid_input":
    case "invalid_config":
    case "unauthenticated":
    case "permission_denied":
    case "already_exists":
    case "precondition_failed":
    case "conflict":
    case "unsupported":
    case "corrupt_data":
    case "canceled":
      return nonFieldError(message);
  }
}

/** 500 that says nothing about the inside; the log has the cause under the request's id. */
export function internalError(): ApiError {
  return new ApiError({ status: 500, code: "internal", detail: "Internal server error." });
}

/** Operations on a user's store are named `storage.<verb>`; `egress.<word>` are reasons of the way there. */
function isFailureOfStore(error: AppError): boolean {
  return error.op?.startsWith("storage.") === true || error.reason?.startsWith("egress.") === true;
}
