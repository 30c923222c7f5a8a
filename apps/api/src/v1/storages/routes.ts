import { idParams, startRunAnswer } from "@bucketbridge/contracts";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { startRun, type StartOptions } from "../../runs/start-and-cancel.ts";
import { problem } from "../problem.ts";
import { toRunView } from "../runs/view.ts";

const RUN_ROUTES: readonly {
  path: string;
  kind: StartOptions["kind"];
  summary: string;
  description: string;
}[] = [
  {
    path: "sync",
    kind: "sync",
    summary: "Import what is new in a source",
    description: "Answers at once; the run goes on in the workers.",
  },
  {
    path: "retry-failed",
    kind: "retry",
    summary: "Load the failed objects of a source again",
    description: "Also those whose content did not change since. Nothing is listed.",
  },
  {
    path: "dry-run",
    kind: "dry_run",
    summary: "Find out what a sync would do",
    description:
      "Lists, downloads nothing and makes no task. GET /api/v1/runs/{id}/dry-run has the answer.",
  },
];

/** Starting runs of a storage. */
export function registerStorageRunRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  for (const { path, kind, summary, description } of RUN_ROUTES) {
    routes.post(
      `/storages/:id/${path}`,
      {
        config: { permission: "storages.sync" },
        schema: {
          tags: ["storages"],
          summary,
          description: `${description} A run of this kind that is queued or waiting already is the answer, with created: false.`,
          params: idParams,
          response: { 202: startRunAnswer, 401: problem, 403: problem, 404: problem, 422: problem },
        },
      },
      async (request, reply) => {
        const { organizationId, userId } = identityOf(request);
        const storage = await deps.storages.find(organizationId, request.params.id, {
          direction: "source",
        });
        if (storage === undefined) throw notFound("Storage");
        const started = await startRun(deps, storage, { kind, actorId: userId });
        const run = await deps.runs.find(organizationId, started.runId);
        if (run === undefined) throw notFound("Run");
        return reply
          .code(202)
          .header("location", `/api/v1/runs/${String(run.id)}`)
          .send({ run: toRunView(run), created: started.created });
      },
    );
  }
}
