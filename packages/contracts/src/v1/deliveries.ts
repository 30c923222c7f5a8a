import { z } from "zod";
import { MAX_PAGE_ENTRIES, pageQuery, queryFlag } from "./paging.ts";

/** What a target holds one object for. */
export const deliverySubject = z.enum(["annotation", "task"]);

/** States of a delivery. `failing`: the last attempt failed and another one follows. */
export const deliveryState = z.enum(["pending", "failing", "delivered", "ended"]);

/** What one target should hold for one annotation or task, and what it does hold. */
export const deliveryView = z
  .object({
    subject: deliverySubject,
    subjectId: z.int(),
    state: deliveryState,
    operation: z.enum(["put", "delete"]),
    wantedRevision: z.int(),
    /** Null: nothing was written yet. */
    deliveredRevision: z.int().nullable(),
    key: z.string().nullable(),
    etag: z.string().nullable(),
    /** Since the last success. */
    attempts: z.int(),
    nextAttemptAt: z.iso.datetime().nullable(),
    /** A put without an answer may still land until then; the newest is put once more at that moment. */
    settleAt: z.iso.datetime().nullable(),
    wantedAt: z.iso.datetime(),
    deliveredAt: z.iso.datetime().nullable(),
    runId: z.int().nullable(),
    errorCode: z.string().nullable(),
    errorMessage: z.string().nullable(),
  })
  .meta({ id: "Delivery" });

/** A delivery as the API shows it. */
export type DeliveryView = z.output<typeof deliveryView>;

/** Deliveries of a target by state: its live backlog, whatever the last run said. */
export const deliveryCounts = z
  .object({
    pending: z.int(),
    failing: z.int(),
    delivered: z.int(),
    ended: z.int(),
    /** Age of the oldest wish that is not fulfilled; null: there is none. */
    oldestWaitSeconds: z.number().nullable(),
  })
  .meta({ id: "DeliveryCounts" });

const CURSOR = /^(annotation|task)-(\d{1,16})$/;

/** A place in the list: the last delivery of the page before. */
const deliveryCursor = z
  .string()
  .regex(CURSOR)
  .transform((text) => {
    const [, subject = "", id = ""] = CURSOR.exec(text) ?? [];
    return { subject: deliverySubject.parse(subject), subjectId: Number(id) };
  });

/** The cursor that goes on after `last`. */
export function toDeliveryCursor(last: Pick<DeliveryView, "subject" | "subjectId">): string {
  return `${last.subject}-${String(last.subjectId)}`;
}

/** Query of `GET /api/v1/targets/{id}/deliveries`; paging is for JSON only. */
export const listDeliveriesQuery = pageQuery.extend({
  cursor: deliveryCursor.optional(),
  state: deliveryState.optional(),
  /** `true` is `state=failing`; `false` leaves failing ones in as well. */
  failing: queryFlag.optional(),
  operation: z.enum(["put", "delete"]).optional(),
  code: z.string().max(100).optional(),
  run: z.coerce.number().int().min(1).optional(),
  subjectId: z.coerce.number().int().min(1).optional(),
  format: z.enum(["json", "csv", "jsonl"]).default("json"),
});

/** Answer of `GET /api/v1/targets/{id}/deliveries`, ascending by subject and id. */
export const deliveryPage = z
  .object({
    items: z.array(deliveryView).max(MAX_PAGE_ENTRIES),
    nextCursor: z.string().nullable(),
    /** Over all deliveries of the target; null on later pages, since counting reads all of them. */
    counts: deliveryCounts.nullable(),
  })
  .meta({ id: "DeliveryPage" });

/** Columns of the CSV download, in this order. */
export const DELIVERY_COLUMNS = [
  "subject",
  "subjectId",
  "state",
  "operation",
  "wantedRevision",
  "deliveredRevision",
  "key",
  "etag",
  "attempts",
  "nextAttemptAt",
  "settleAt",
  "wantedAt",
  "deliveredAt",
  "runId",
  "errorCode",
  "errorMessage",
] as const satisfies readonly (keyof DeliveryView)[];
