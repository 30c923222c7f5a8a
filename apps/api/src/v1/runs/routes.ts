import { dryRunReport, idParams, listRunsQuery, runPage, runView } from "@bucketbridge/contracts";
import { AppError } from "@bucketbridge/core";
import type { RunRecord } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { cancelRun } from "../../runs/start-and-cancel.ts";
import { toPage } from "../page.ts";
import { problem } from "../problem.ts";
import { toRunView } from "./view.ts";

const TAGS = ["runs"];

/** Runs: what happened, what happens, and how to stop it. */
export function registerRunRoutes(app: FastifyInstance, deps: ApiDeps): void {
  registerReads(app, deps);
  registerCancel(app, deps);
  registerDryRun(app, deps);
}

const ERRORS = { 401: problem, 403: problem, 404: problem } as const;

function registerReads(app: FastifyInstance, deps: ApiDeps): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.get(
    "/runs",
    {
      config: { permission: "runs.view" },
      schema: {
        tags: TAGS,
        summary: "Runs, the newest first",
        querystring: listRunsQuery,
        response: { 200: runPage, 400: problem, ...ERRORS },
      },
    },
    async (request) => {
      const { limit, cursor, project, storage, state, kind } = request.query;
      const filter = { projectId: project, storageId: storage, state, kind, before: cursor };
      const { organizationId } = identityOf(request);
      const found = await deps.runs.list(organizationId, { ...filter, limit: limit + 1 });
      return toPage(found.map(toRunView), limit);
    },
  );
  routes.get(
    "/runs/:id",
    {
      config: { permission: "runs.view" },
      schema: {
        tags: TAGS,
        summary: "One run",
        params: idParams,
        response: { 200: runView, ...ERRORS },
      },
    },
    async (request) => toRunView(await getRun(deps, request)),
  );
}

function registerCancel(app: FastifyInstance, deps: ApiDeps): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    "/runs/:id/cancel",
    {
      config: { permission: "runs.change" },
      schema: {
        tags: TAGS,
        summary: "Stop a run",
        description:
          "A run that no worker holds is canceled at once; another one stops at its next checkpoint, and its state then tells so. A final run stays as it is. What was imported stays.",
        params: idParams,
        response: { 200: runView, ...ERRORS },
      },
    },
    async (request) => {
      const run = await getRun(deps, request);
      await cancelRun(deps, { organizationId: run.organizationId, runId: run.id });
      return toRunView(await getRun(deps, request));
    },
  );
}

function registerDryRun(app: FastifyInstance, deps: ApiDeps): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/runs/:id/dry-run",
    {
      config: { permission: "runs.view" },
      schema: {
        tags: TAGS,
        summary: "What a dry run found",
        description:
          "Judged from the listing alone, nothing is downloaded. Every reason is counted and names its first keys.",
        params: idParams,
        response: { 200: dryRunReport, 422: problem, ...ERRORS },
      },
    },
    async (request) => {
      const run = await getRun(deps, request);
      if (run.kind !== "dry_run") throw noDryRun(run);
      const findings = await deps.runs.listFindings(run.organizationId, run.id);
      return {
        run: toRunView(run),
        findings: findings.map(({ keys, ...rest }) => ({ ...rest, keys: [...keys] })),
      };
    },
  );
}

/** The run of a path, 404 for a foreign one. */
export async function getRun(
  { runs }: Pick<ApiDeps, "runs">,
  request: Parameters<typeof identityOf>[0] & { readonly params: { readonly id: number } },
): Promise<RunRecord> {
  const run = await runs.find(identityOf(request).organizationId, request.params.id);
  if (run === undefined) throw notFound("Run");
  return run;
}

function noDryRun(run: RunRecord): AppError {
  return new AppError({
    code: "unsupported",
    reason: "run.no_dry_run",
    message: `run ${String(run.id)} is a ${run.kind}, so it has no dry-run report; start one with POST /api/v1/storages/${String(run.storageId)}/dry-run`,
  });
}
