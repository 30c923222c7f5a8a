import type { FastifyInstance } from "fastify";
import { findProjectReference, findTaskReference } from "./find-reference.ts";
import { serveReference, type ResolveDeps } from "./serve-reference.ts";

/** Both names of the contract do the same (ls-api §4.5). */
const NAMES = ["resolve", "presign"];

/** References of task data as a browser opens them: a redirect to a signed URL, or the bytes themselves. */
export function registerResolveRoutes(app: FastifyInstance, deps: ResolveDeps): void {
  for (const [room, within, find] of [
    ["tasks", "task", findTaskReference],
    ["projects", "project", findProjectReference],
  ] as const) {
    for (const name of NAMES) {
      app.route({
        method: ["GET", "HEAD"],
        url: `/${room}/:id/${name}/`,
        config: { permission: "media.view", within },
        schema: {
          tags: ["media"],
          summary: "The object that a reference of task data names",
          description:
            "303 to a signed URL where the source presigns, else the object itself, with ranges. fileuri is the reference in URL-safe Base64.",
        },
        exposeHeadRoute: false,
        handler: async (request, reply) => {
          const found = await find(deps, request);
          return serveReference(deps, found, request, reply);
        },
      });
    }
  }
}
