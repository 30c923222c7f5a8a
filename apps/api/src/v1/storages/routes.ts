import { idParams, startRunAnswer, startSyncBody } from "@bucketbridge/contracts";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
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
    path: "retry-failed",
    kind: "retry",
    summary: "Try again what failed",
    description:
      "A source loads its failed objects again, also those whose content did not change since; nothing is listed. A target pushes its failing deliveries at once.",
  },
  {
    path: "dry-run",
    kind: "dry_run",
    summary: "Find out what a sync would do",
    description:
      "Of a source. Lists, downloads nothing and makes no task. GET /api/v1/runs/{id}/dry-run has the answer.",
  },
];

/** Starting runs of a storage. */
export function registerStorageRunRoutes(app: FastifyInstance, deps: ApiDeps): void {
  registerSync(app, deps);
  const routes = app.withTypeProvider<ZodTypeProvider>();
  for (const { path, kind, summary, description } of RUN_ROUTES) {
    routes.post(
      `/storages/:id/${path}`,
      {
        config: { permission: "storages.sync" },
        schema: {
          tags: TAGS,
          summary,
          description: `${description} ${SAME_KIND}`,
          params: idParams,
          response: ANSWERS,
        },
      },
      async (request, reply) => {
        const answer = await start(deps, request, { kind });
        return reply.code(202).header("location", locationOf(answer)).send(answer);
      },
    );
  }
}

const TAGS = ["storages"];
const SAME_KIND =
  "A run of this kind that is queued or waiting already is the answer, with created: false.";
const ANSWERS = {
  ...{ 202: startRunAnswer, 401: problem, 403: problem, 404: problem, 422: problem },
} as const;

function registerSync(app: FastifyInstance, deps: ApiDeps): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    "/storages/:id/sync",
    {
      config: { permission: "storages.sync" },
      schema: {
        tags: TAGS,
        summary: "Import what is new in a source, or write all annotations to a target",
        description: `Answers at once; the run goes on in the workers. With only_changed a target gets only what it does not hold in its newest revision. ${SAME_KIND}`,
        params: idParams,
        body: startSyncBody,
        response: { ...ANSWERS, 400: problem },
      },
    },
    async (request, reply) => {
      const onlyChanged = request.body?.only_changed;
      const answer = await start(deps, request, { kind: "sync", onlyChanged });
      return reply.code(202).header("location", locationOf(answer)).send(answer);
    },
  );
}

type StartAnswer = z.output<typeof startRunAnswer>;

async function start(
  deps: ApiDeps,
  request: Parameters<typeof identityOf>[0] & { readonly params: { readonly id: number } },
  options: Omit<StartOptions, "actorId">,
): Promise<StartAnswer> {
  const { organizationId, userId } = identityOf(request);
  const storage = await deps.storages.find(organizationId, request.params.id, {});
  if (storage === undefined) throw notFound("Storage");
  const { runId, created } = await startRun(deps, storage, { ...options, actorId: userId });
  const run = await deps.runs.find(organizationId, runId);
  if (run === undefined) throw notFound("Run");
  return { run: toRunView(run), created };
}

function locationOf({ run }: StartAnswer): string {
  return `/api/v1/runs/${String(run.id)}`;
}
