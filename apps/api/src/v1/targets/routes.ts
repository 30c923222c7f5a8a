import { changeTargetBody, idParams, targetView, type TargetView } from "@bucketbridge/contracts";
import type { StorageRecord } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { ApiDeps } from "../../deps.ts";
import { problem } from "../problem.ts";
import { changeTarget } from "./change-target.ts";
import { getTarget } from "./get-target.ts";
import { toTargetView } from "./view.ts";

const TAGS = ["targets"];
const ERRORS = { 401: problem, 403: problem, 404: problem } as const;

/** What the compatible wire does not know about a target. */
export function registerTargetRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const show = async (target: StorageRecord): Promise<TargetView> =>
    toTargetView(target, await deps.deliveries.count(target.organizationId, target.id));
  routes.get(
    "/targets/:id",
    {
      config: { permission: "storages.view" },
      schema: {
        tags: TAGS,
        summary: "One target: how it calls its objects, its backlog, and whether it answers",
        params: idParams,
        response: { 200: targetView, ...ERRORS },
      },
    },
    async (request) => show(await getTarget(deps, request)),
  );
  routes.patch(
    "/targets/:id",
    {
      config: { permission: "storages.change" },
      schema: {
        tags: TAGS,
        summary: "Change how a target calls its objects and what they are for",
        description:
          "key_template may name ${project_id}, ${task_id}, ${annotation_id} and ${source_key_stem}, and must hold the id of the subject. With other keys or another subject everything is written again; what lies under the old keys stays.",
        params: idParams,
        body: changeTargetBody,
        response: { 200: targetView, 400: problem, 409: problem, ...ERRORS },
      },
    },
    async (request) => show(await changeTarget(deps, await getTarget(deps, request), request.body)),
  );
}
