import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";

/** The page brings scripts and styles of its own, some of them inline with a hash that the plugin adds. */
const DOCS_PREFIX = "/docs";

/**
 * The description of all routes and its page at /docs. Registered before the routes; the page itself is public, it says
 * nothing that the documentation does not.
 */
export async function registerOpenapi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Bucketbridge",
        version,
        description:
          "Paths below /api/v1 are the native API. The others speak the contract of Label Studio 1.23.2: they take JSON, form-encoded and multipart bodies, coerce strings, ignore unknown fields and answer errors in its envelope.",
      },
      components: {
        securitySchemes: {
          token: {
            type: "apiKey",
            in: "header",
            name: "Authorization",
            description: "Token <key>",
          },
          bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        },
      },
      security: [{ token: [] }, { bearer: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(async (scope) => {
    scope.addHook("onRoute", (route) => {
      route.config = { ...route.config, public: true };
    });
    await scope.register(swaggerUi, { routePrefix: DOCS_PREFIX, staticCSP: true });
  });
}
