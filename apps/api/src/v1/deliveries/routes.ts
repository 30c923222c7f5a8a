import {
  DELIVERY_COLUMNS,
  deliveryPage,
  idParams,
  listDeliveriesQuery,
  toDeliveryCursor,
  type DeliveryView,
} from "@bucketbridge/contracts";
import type { DeliveryFilter } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import type { ApiDeps } from "../../deps.ts";
import { sendDownload } from "../download.ts";
import { problem } from "../problem.ts";
import { getTarget } from "../targets/get-target.ts";
import { toDeliveryView } from "./view.ts";

type Query = z.output<typeof listDeliveriesQuery>;

/** Deliveries of a target, as pages or as a download. */
export function registerDeliveryRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/targets/:id/deliveries",
    {
      config: { permission: "storages.view" },
      schema: {
        tags: ["targets"],
        summary: "What a target should hold, and what it does hold",
        description:
          "One delivery per annotation (or per task, where the target says so). format=json gives pages, the first one with counts over all deliveries; format=csv and format=jsonl give all matching ones as a download. In CSV a text that a spreadsheet would run as a formula gets an apostrophe in front.",
        params: idParams,
        querystring: listDeliveriesQuery,
        response: { 200: deliveryPage, 400: problem, 401: problem, 403: problem, 404: problem },
      },
    },
    async (request, reply) => {
      const { id: targetId, organizationId } = await getTarget(deps, request);
      const { limit, cursor, format } = request.query;
      const filter = toFilter(targetId, request.query);
      const read = async (last: Place | undefined, count: number) => {
        const wanted = { ...filter, after: toAfter(last), limit: count };
        return (await deps.deliveries.list(organizationId, wanted)).map(toDeliveryView);
      };
      if (format !== "json") {
        const name = `target-${String(targetId)}-deliveries`;
        await sendDownload(reply, { name, format, columns: DELIVERY_COLUMNS, read });
        return reply;
      }
      const [found, counts] = await Promise.all([
        read(cursor, limit + 1),
        cursor === undefined ? deps.deliveries.count(organizationId, targetId) : null,
      ]);
      return { ...toDeliveryPage(found, limit), counts };
    },
  );
}

type Place = Pick<DeliveryView, "subject" | "subjectId">;

function toFilter(targetId: number, query: Query): Omit<DeliveryFilter, "after" | "limit"> {
  const { state, failing, operation, code, run, subjectId } = query;
  const status = failing === true ? "failing" : state;
  return { targetId, status, op: operation, errorCode: code, runId: run, subjectId };
}

function toAfter(last: Place | undefined): DeliveryFilter["after"] {
  return last === undefined ? undefined : { subjectType: last.subject, subjectId: last.subjectId };
}

function toDeliveryPage(
  found: readonly DeliveryView[],
  limit: number,
): { items: DeliveryView[]; nextCursor: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const hasMore = found.length > limit && last !== undefined;
  return { items, nextCursor: hasMore ? toDeliveryCursor(last) : null };
}
