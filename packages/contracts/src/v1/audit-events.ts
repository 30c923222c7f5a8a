import { z } from "zod";
import { issueFormat } from "./issues.ts";
import { MAX_ROW_ID, pageOf, pageQuery } from "./paging.ts";

const rowId = z.coerce.number().int().min(1);

/** Something that is written down for good. */
export const auditEventView = z
  .object({
    id: z.int(),
    createdAt: z.iso.datetime(),
    /** The person; null where nobody was known. */
    actorId: z.int().nullable(),
    /** The opaque token that was shown; null for sessions and access tokens. */
    tokenId: z.int().nullable(),
    /** Noun and verb: `storage.changed`, `access.denied`, `media.opened`. */
    action: z.string(),
    subjectType: z.string().nullable(),
    subjectId: z.int().nullable(),
    /** Status of the answer. */
    status: z.int(),
    requestId: z.string(),
    address: z.string().nullable(),
    /** JSON: the route, the names of the fields that were sent, and values of a few that are no secrets. */
    details: z.string(),
  })
  .meta({ id: "AuditEvent" });

/** An audit event as the API shows it. */
export type AuditEventView = z.output<typeof auditEventView>;

/** Query of GET /audit-events: absent fields do not filter; paging is for JSON only. */
export const listAuditEventsQuery = pageQuery.extend({
  action: z.string().max(100).optional(),
  actorId: rowId.max(MAX_ROW_ID).optional(),
  subjectType: z.string().max(100).optional(),
  subjectId: rowId.max(Number.MAX_SAFE_INTEGER).optional(),
  /** From this time on. */
  since: z.iso.datetime({ offset: true }).optional(),
  /** Before this time. */
  until: z.iso.datetime({ offset: true }).optional(),
  format: issueFormat.default("json"),
});

/** Answer of GET /audit-events: the newest first. */
export const auditEventPage = pageOf(auditEventView).meta({ id: "AuditEventPage" });

/** Columns of the CSV download, in this order. */
export const AUDIT_EVENT_COLUMNS = [
  "id",
  "createdAt",
  "actorId",
  "tokenId",
  "action",
  "subjectType",
  "subjectId",
  "status",
  "requestId",
  "address",
  "details",
] as const satisfies readonly (keyof AuditEventView)[];
