import { STATUS_CODES } from "node:http";
import { HTTP_STATUS_BY_CODE, isAppError, type AppError } from "@bucketbridge/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { z } from "zod";
import { ApiError, notFound } from "../api-error.ts";
import { logError, toApiError } from "../plugins/errors.ts";

/** RFC 9457 with our code and reason; the error body of every route below /api/v1. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    reason: z.string().nullable(),
    requestId: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: "Problem" });

type Problem = z.output<typeof problem>;

/** Registers the error answers of the scope that `/api/v1` lives in. */
export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const answer = toNativeError(error, request);
    logError(request, error, answer);
    return sendProblem(toProblem(answer, error, request), answer, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const answer = notFound();
    return sendProblem(toProblem(answer, answer, request), answer, reply);
  });
}

/** The status of an `AppError` follows from its code here; the compatible wire has rules of its own. */
function toNativeError(error: unknown, request: FastifyRequest): ApiError {
  if (hasZodFastifySchemaValidationErrors(error))
    return new ApiError({
      status: 400,
      code: "invalid_input",
      detail: "the request does not match its schema",
    });
  if (!isAppError(error) || error instanceof ApiError) return toApiError(error, request);
  if (error.code === "internal") return toApiError(error, request);
  const { code, message } = error;
  const status = HTTP_STATUS_BY_CODE[code];
  return new ApiError({ status, code, detail: message, ...optionalReason(error) });
}

function optionalReason(error: AppError): { reason?: string } {
  return error.reason === undefined ? {} : { reason: error.reason };
}

function toProblem(answer: ApiError, error: unknown, request: FastifyRequest): Problem {
  const { status, message, code, reason } = answer;
  const title = STATUS_CODES[status] ?? "Error";
  const instance = request.url.split("?", 1)[0] ?? "";
  const problemBody = { type: "about:blank", title, status, detail: message, instance, code };
  const fields = { ...problemBody, reason: reason ?? null, requestId: request.id };
  if (!hasZodFastifySchemaValidationErrors(error)) return fields;
  const errors = error.validation.map(({ instancePath, message: text }) => ({
    path: `${error.validationContext ?? ""}${instancePath}`,
    message: text ?? "invalid",
  }));
  return { ...fields, errors };
}

function sendProblem(body: Problem, answer: ApiError, reply: FastifyReply): FastifyReply {
  return reply
    .code(answer.status)
    .headers(answer.headers)
    .type("application/problem+json")
    .send(JSON.stringify(body));
}
