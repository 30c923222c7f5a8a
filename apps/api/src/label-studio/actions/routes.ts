import type { FastifyInstance } from "fastify";
import { listActions, performAction, type ActionHandlerDeps } from "./handlers.ts";

/** Actions of the data manager: one thing done to many tasks. */
export function registerActionRoutes(app: FastifyInstance, deps: ActionHandlerDeps): void {
  const options = {
    config: { permission: "actions.perform" as const },
    schema: { tags: ["actions"] },
  };
  app.get("/api/dm/actions/", options, (request) => listActions(deps, request));
  app.post("/api/dm/actions/", options, (request) => performAction(deps, request));
}
