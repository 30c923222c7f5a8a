import { Readable } from "node:stream";
import { idParams, issuePage, listIssuesQuery } from "@bucketbridge/contracts";
import type { IssueFilter, RunRecord } from "@bucketbridge/db";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { ApiDeps } from "../../deps.ts";
import { toPage } from "../page.ts";
import { problem } from "../problem.ts";
import { getRun } from "../runs/routes.ts";
import { CSV_HEADER, toCsvLine } from "./csv.ts";
import { toIssueView } from "./view.ts";

/** Rows that a download reads at once: it takes as long as the client, so it holds no transaction open. */
const DOWNLOAD_CHUNK = 1_000;

/** Issues of a run, as pages or as a download. */
export function registerIssueRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/runs/:id/issues",
    {
      config: { permission: "runs.view" },
      schema: {
        tags: ["issues"],
        summary: "Issues that a run met last",
        description:
          "format=json gives pages; format=csv and format=jsonl give all matching issues as a download. In CSV a text that a spreadsheet would run as a formula (it starts with =, +, -, @, tab or carriage return) gets an apostrophe in front; JSON and JSONL have it unchanged.",
        params: idParams,
        querystring: listIssuesQuery,
        response: { 200: issuePage, 400: problem, 401: problem, 403: problem, 404: problem },
      },
    },
    async (request, reply) => {
      const run = await getRun(deps, request);
      const { limit, cursor, code, open, format } = request.query;
      const filter = { storageId: run.storageId, runId: run.id, code, open };
      if (format !== "json") {
        await sendDownload(deps, run, filter, { format, reply });
        return reply;
      }
      const wanted = { ...filter, after: cursor, limit: limit + 1 };
      const found = await deps.issues.list(run.organizationId, wanted);
      return toPage(found.map(toIssueView), limit);
    },
  );
}

type Filter = Omit<IssueFilter, "after" | "limit">;

async function sendDownload(
  deps: Pick<ApiDeps, "issues">,
  run: RunRecord,
  filter: Filter,
  { format, reply }: { readonly format: "csv" | "jsonl"; readonly reply: FastifyReply },
): Promise<void> {
  const type = format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson; charset=utf-8";
  const name = `run-${String(run.id)}-issues.${format}`;
  const chunks = downloadChunks(deps, run.organizationId, filter, format);
  await reply
    .type(type)
    .header("content-disposition", `attachment; filename="${name}"`)
    .send(Readable.from(chunks));
}

async function* downloadChunks(
  { issues }: Pick<ApiDeps, "issues">,
  organizationId: number,
  filter: Filter,
  format: "csv" | "jsonl",
): AsyncGenerator<string, void, undefined> {
  if (format === "csv") yield CSV_HEADER;
  for (let after: number | undefined; ;) {
    const found = await issues.list(organizationId, { ...filter, after, limit: DOWNLOAD_CHUNK });
    const views = found.map(toIssueView);
    if (views.length > 0) {
      yield views
        .map((issue) => (format === "csv" ? toCsvLine(issue) : `${JSON.stringify(issue)}\n`))
        .join("");
    }
    if (views.length < DOWNLOAD_CHUNK) return;
    after = views.at(-1)?.id;
  }
}
