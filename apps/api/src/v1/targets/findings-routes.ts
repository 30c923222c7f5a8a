import {
  FINDING_COLUMNS,
  findingPage,
  idParams,
  listFindingsQuery,
  toFindingCursor,
  type FindingView,
} from "@bucketbridge/contracts";
import type { ReconcileEntry, ReconcileRun } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { sendDownload } from "../download.ts";
import { problem } from "../problem.ts";
import { getTarget } from "./get-target.ts";

const NONE = { changed: 0, foreign: 0, missing: 0, stale: 0 };

/** What comparisons of a target with its bucket found, as pages or as a download. */
export function registerFindingRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/targets/:id/findings",
    {
      config: { permission: "storages.view" },
      schema: {
        tags: ["targets"],
        summary: "Where a target and its bucket differ, as the newest comparison found it",
        description:
          "missing: delivered and not there. changed: there with another content. stale: there again although it was deleted. foreign: delivered by nobody, never touched. Counts are exact, the first 10,000 keys of each kind are kept, of the five newest comparisons. While a comparison runs, its findings so far are shown.",
        params: idParams,
        querystring: listFindingsQuery,
        response: { 200: findingPage, 400: problem, 401: problem, 403: problem, 404: problem },
      },
    },
    async (request, reply) => {
      const { id: targetId, organizationId } = await getTarget(deps, request);
      const { limit, cursor, kind, format, run: asked } = request.query;
      const run = await deps.findings.findRun({ organizationId, targetId }, asked);
      if (run === undefined && asked !== undefined) throw notFound("Run");
      const read = async (after: Place | undefined, count: number): Promise<FindingView[]> => {
        if (run === undefined) return [];
        const filter = { runId: run.runId, kind, after, limit: count };
        return (await deps.findings.page(organizationId, filter)).map(toFindingView);
      };
      if (format !== "json") {
        const name = `target-${String(targetId)}-findings`;
        await sendDownload(reply, { name, format, columns: FINDING_COLUMNS, read });
        return reply;
      }
      return toFindingPage(await read(cursor, limit + 1), limit, run);
    },
  );
}

type Place = Pick<FindingView, "kind" | "key">;

function toFindingView({ kind, key, subject }: ReconcileEntry): FindingView {
  return { kind, key, subject: subject?.type ?? null, subjectId: subject?.id ?? null };
}

function toFindingPage(
  found: readonly FindingView[],
  limit: number,
  run: ReconcileRun | undefined,
): {
  items: FindingView[];
  nextCursor: string | null;
  runId: number | null;
  counts: ReconcileRun["counts"];
} {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const hasMore = found.length > limit && last !== undefined;
  const nextCursor = hasMore ? toFindingCursor(last) : null;
  return { items, nextCursor, runId: run?.runId ?? null, counts: run?.counts ?? NONE };
}
