import { AppError, type ErrorCode } from "@bucketbridge/core";

/** Field name to its messages. A few endpoints of the contract put a plain string or a nested object. */
export type ValidationErrors = Readonly<
  Record<string, readonly string[] | string | Readonly<Record<string, unknown>>>
>;

interface ApiErrorInit {
  readonly status: number;
  readonly code: ErrorCode;
  /** The contract's sentence, exactly; it becomes `detail`. */
  readonly detail: string;
  readonly reason?: string;
  readonly validationErrors?: ValidationErrors;
  /** Sent instead of the envelope, for the few endpoints that answer without one. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that is an error, with the status and the words that the wire contract prescribes. */
export class ApiError extends AppError {
  readonly status: number;
  readonly validationErrors: ValidationErrors | undefined;
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(init: ApiErrorInit) {
    super({ code: init.code, message: init.detail, reason: init.reason, retry: "never" });
    this.status = init.status;
    this.validationErrors = init.validationErrors;
    this.body = init.body;
    this.headers = init.headers ?? {};
  }
}

/** 400 with one list of messages per field. */
export function validationError(errors: ValidationErrors): ApiError {
  return new ApiError({
    status: 400,
    code: "invalid_input",
    detail: "Validation error",
    validationErrors: errors,
  });
}

/** 400 that blames no field. */
export function nonFieldError(message: string): ApiError {
  return validationError({ non_field_errors: [message] });
}

/** 400 with a sentence and no list of fields. */
export function badRequest(detail: string): ApiError {
  return new ApiError({ status: 400, code: "invalid_input", detail });
}

/** 413. */
export function tooLarge(detail: string): ApiError {
  return new ApiError({ status: 413, code: "invalid_input", detail });
}

/** 401. Every one carries `WWW-Authenticate: Token`. */
export function notAuthenticated(
  detail = "Authentication credentials were not provided.",
): ApiError {
  return new ApiError({
    status: 401,
    code: "unauthenticated",
    detail,
    headers: { "www-authenticate": "Token" },
  });
}

/** 403. */
export function forbidden(detail = "You do not have permission to perform this action."): ApiError {
  return new ApiError({ status: 403, code: "permission_denied", detail });
}

/** Resources whose absence the contract names. */
export type WireModel =
  | "Annotation"
  | "AnnotationDraft"
  | "Export"
  | "Organization"
  | "OrganizationMember"
  | "Prediction"
  | "Project"
  | "Run"
  | "Storage"
  | "Task"
  | "User"
  | "View";

/** 404 `No <Model> matches the given query.`, also for rows of another organisation; without a model `Not found.` */
export function notFound(model?: WireModel): ApiError {
  const detail = model === undefined ? "Not found." : `No ${model} matches the given query.`;
  return new ApiError({ status: 404, code: "not_found", detail });
}

/** 404 that says more than the contract's words, which it begins with. */
export function notOffered(detail: string): ApiError {
  return new ApiError({ status: 404, code: "not_found", detail });
}

/** 404 of a page past the end. */
export function invalidPage(): ApiError {
  return new ApiError({ status: 404, code: "not_found", detail: "Invalid page." });
}
