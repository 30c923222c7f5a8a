import { AppError, isAppError, LOG_LEVEL_BY_CODE, redactText } from "@bucketbridge/core";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ApiError, notFound } from "../api-error.ts";
import { internalError, toEnvelope, toWireError } from "../label-studio/error-envelope.ts";
import type { Authenticate } from "./auth.ts";
import { AllowedMethods } from "./allowed-methods.ts";

/** Errors of Fastify itself, by their code, in the words of the contract. */
const FRAMEWORK_ERRORS: Readonly<Record<string, (request: FastifyRequest) => ApiError>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: (request) =>
    clientError(
      415,
      `Unsupported media type "${redactText(request.headers["content-type"] ?? "")}" in request.`,
    ),
  FST_ERR_CTP_BODY_TOO_LARGE: () => clientError(413, "Request body exceeded the configured limit."),
  FST_ERR_BAD_URL: () => notFound(),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    clientError(400, "Request body size did not match Content-Length"),
};

function clientError(status: number, detail: string): ApiError {
  return new ApiError({ status, code: "invalid_input", detail });
}

/** Any error as an answer; what nobody foresaw is a 500 without its text. */
export function toApiError(error: unknown, request: FastifyRequest): ApiError {
  if (isAppError(error)) return toWireError(error);
  const { code, statusCode } = error as Partial<FastifyError>;
  const known = code === undefined ? undefined : FRAMEWORK_ERRORS[code];
  if (known !== undefined) return known(request);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return clientError(
      statusCode,
      error instanceof Error ? redactText(error.message) : "Bad request.",
    );
  return internalError();
}

/** Logs an error once, with its cause, at the level of its code. */
export function logError(request: FastifyRequest, error: unknown, answer: ApiError): void {
  const level = answer.status >= 500 ? "error" : LOG_LEVEL_BY_CODE[answer.code];
  const reason = error instanceof AppError ? error.reason : undefined;
  const cause = answer.status >= 500 ? error : undefined;
  request.log[level](
    { status: answer.status, code: answer.code, reason, err: cause },
    "http.request.failed",
  );
}

/**
 * The contract's envelope for every error outside /api/v1, also for paths and methods that no route takes: an unknown
 * path is 404, a known path with another method 405 for those who may call at all.
 */
export function registerErrors(app: FastifyInstance, authenticate: Authenticate): void {
  const methods = new AllowedMethods();
  app.addHook("onRoute", (route) => {
    methods.add(route.url, route.method);
  });
  app.setErrorHandler((error, request, reply) => sendEnvelope(error, request, reply));
  app.setNotFoundHandler(async (request, reply) => {
    const allowed = methods.find(request.url);
    if (allowed.length === 0) return sendEnvelope(notFound(), request, reply);
    await authenticate(request);
    return sendEnvelope(methodNotAllowed(request.method, allowed), request, reply);
  });
}

/** 405 with the methods that the path takes. */
export function methodNotAllowed(method: string, allowed: readonly string[]): ApiError {
  const detail = `Method "${method}" not allowed.`;
  return new ApiError({
    status: 405,
    code: "invalid_input",
    detail,
    headers: { allow: allowed.join(", ") },
  });
}

/** Answers with the envelope, or with the body that an endpoint has instead of it. */
export function sendEnvelope(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const answer = toApiError(error, request);
  logError(request, error, answer);
  return reply
    .code(answer.status)
    .headers(answer.headers)
    .type("application/json")
    .send(answer.body ?? toEnvelope(answer, request.id));
}
