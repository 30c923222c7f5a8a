import type { FastifyInstance } from "fastify";
import { ApiError } from "../api-error.ts";

const JSON_RANGES = ["*/*", "application/*", "application/json"];

/** 406 for callers that take no JSON, as the contract has it. */
export function registerNegotiation(app: FastifyInstance): void {
  app.addHook("preParsing", (request, _reply, payload, done) => {
    if (takesJson(request.headers.accept)) done(null, payload);
    else
      done(
        new ApiError({
          status: 406,
          code: "invalid_input",
          detail: "Could not satisfy the request Accept header.",
        }),
      );
  });
}

/** Ranges of an `Accept` header without regard to their weights; none means everything. */
function takesJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === "") return true;
  const ranges = accept
    .split(",")
    .map((range) => (range.split(";", 1)[0] ?? "").trim().toLowerCase());
  return ranges.some((range) => JSON_RANGES.includes(range));
}
