import { idParams, reconcileBody, startRunAnswer } from "@bucketbridge/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { startRun } from "../../runs/start-and-cancel.ts";
import { problem } from "../problem.ts";
import { toRunView } from "../runs/view.ts";
import { getTarget } from "./get-target.ts";

const TAGS = ["targets"];
const ANSWERS = {
  ...{ 202: startRunAnswer, 401: problem, 403: problem, 404: problem, 422: problem },
} as const;
const NEVER_DELETES = "Objects that nobody delivered are reported and never touched.";

/** Comparing what a target holds with its deliveries, and mending what differs. */
export function registerReconcileRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.post(
    "/targets/:id/reconcile",
    {
      config: { permission: "storages.sync" },
      schema: {
        tags: TAGS,
        summary: "Compare the bucket of a target with what was delivered",
        description: `Lists the bucket below the target's prefix; the credentials must be allowed to list. GET …/findings has what differs. With repair it is written (or deleted) again as it is found. ${NEVER_DELETES}`,
        params: idParams,
        body: reconcileBody,
        response: { ...ANSWERS, 400: problem },
      },
    },
    async (request, reply) => start(deps, { request, reply, repair: request.body?.repair }),
  );
  routes.post(
    "/targets/:id/repair",
    {
      config: { permission: "storages.sync" },
      schema: {
        tags: TAGS,
        summary: "Write again what is missing or changed in the bucket of a target",
        description: `Compares anew, since what an earlier comparison found may be mended by now, and repairs what it finds: reconcile with repair. ${NEVER_DELETES}`,
        params: idParams,
        response: ANSWERS,
      },
    },
    async (request, reply) => start(deps, { request, reply, repair: true }),
  );
}

async function start(
  deps: ApiDeps,
  asked: {
    readonly request: FastifyRequest & { readonly params: { readonly id: number } };
    readonly reply: FastifyReply;
    readonly repair: boolean | undefined;
  },
): Promise<FastifyReply> {
  const { request, reply, repair } = asked;
  const { userId } = identityOf(request);
  const target = await getTarget(deps, request);
  const options = { kind: "reconcile", actorId: userId, repair } as const;
  const { runId, created } = await startRun(deps, target, options);
  const run = await deps.runs.find(target.organizationId, runId);
  if (run === undefined) throw notFound("Run");
  const location = `/api/v1/runs/${String(runId)}`;
  return reply
    .code(202)
    .header("location", location)
    .send({ run: toRunView(run), created });
}
