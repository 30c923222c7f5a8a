import type { FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { ApiDeps } from "../deps.ts";
import { registerProblems } from "./problem.ts";

/** The native API: zod schemas on every route, strict objects in, RFC 9457 problems out. Mounted at /api/v1. */
export function registerNativeApi(app: FastifyInstance, _deps: ApiDeps): void {
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  registerProblems(app);
}
