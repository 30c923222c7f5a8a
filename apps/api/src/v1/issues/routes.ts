import {
  idParams,
  ISSUE_COLUMNS,
  issuePage,
  listIssuesQuery,
  type IssueView,
} from "@bucketbridge/contracts";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { ApiDeps } from "../../deps.ts";
import { sendDownload } from "../download.ts";
import { toPage } from "../page.ts";
import { problem } from "../problem.ts";
import { getRun } from "../runs/routes.ts";
import { toIssueView } from "./view.ts";

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
        await sendDownload(reply, {
          name: `run-${String(run.id)}-issues`,
          format,
          columns: ISSUE_COLUMNS,
          read: async (last: IssueView | undefined, chunk) => {
            const wanted = { ...filter, after: last?.id, limit: chunk };
            return (await deps.issues.list(run.organizationId, wanted)).map(toIssueView);
          },
        });
        return reply;
      }
      const wanted = { ...filter, after: cursor, limit: limit + 1 };
      const found = await deps.issues.list(run.organizationId, wanted);
      return toPage(found.map(toIssueView), limit);
    },
  );
}
