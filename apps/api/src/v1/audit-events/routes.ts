import {
  AUDIT_EVENT_COLUMNS,
  auditEventPage,
  listAuditEventsQuery,
  type AuditEventView,
} from "@bucketbridge/contracts";
import type { AuditEventFilter, AuditEventRecord } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { sendDownload } from "../download.ts";
import { toPage } from "../page.ts";
import { problem } from "../problem.ts";

/** Who did what in the organisation, as pages or as a download. */
export function registerAuditEventRoutes(
  app: FastifyInstance,
  { auditEvents }: Pick<ApiDeps, "auditEvents">,
): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/audit-events",
    {
      config: { permission: "audit.view" },
      schema: {
        tags: ["audit"],
        summary: "Changes of the configuration, syncs, refusals, and who opened which task's media",
        description:
          "Newest first. Opened media are noted once per person, task and day. format=json gives pages; format=csv and format=jsonl give all matching events as a download.",
        querystring: listAuditEventsQuery,
        response: { 200: auditEventPage, 400: problem, 401: problem, 403: problem },
      },
    },
    async (request, reply) => {
      const { organizationId } = identityOf(request);
      const { limit, cursor, format } = request.query;
      const filter = toFilter(request.query);
      const read = async (before: number | undefined, count: number) => {
        const found = await auditEvents.list(organizationId, { ...filter, before, limit: count });
        return found.map(toView);
      };
      if (format === "json") return toPage(await read(cursor, limit + 1), limit);
      await sendDownload(reply, {
        name: "audit-events",
        format,
        columns: AUDIT_EVENT_COLUMNS,
        read: (last: AuditEventView | undefined, count) => read(last?.id, count),
      });
      return reply;
    },
  );
}

function toFilter(
  query: z.output<typeof listAuditEventsQuery>,
): Omit<AuditEventFilter, "before" | "limit"> {
  const { action, actorId, subjectType, subjectId, since, until } = query;
  return {
    ...{ action, actorId, subjectType, subjectId },
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
  };
}

function toView(event: AuditEventRecord): AuditEventView {
  const { id, actorId, tokenId, action, subjectType, subjectId, status, requestId, address } =
    event;
  return {
    ...{ id, actorId, tokenId, action, subjectType, subjectId, status, requestId, address },
    createdAt: event.createdAt.toISOString(),
    details: JSON.stringify(event.details),
  };
}
