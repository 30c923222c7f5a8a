import { z } from "zod";
import { pageOf, pageQuery, queryFlag } from "./paging.ts";

/** One thing that went wrong with one object or row. */
export const issueView = z
  .object({
    id: z.int(),
    storageId: z.int(),
    /** The last run that met it. */
    runId: z.int(),
    key: z.string(),
    /** Null: the object as a whole. */
    rowIndex: z.int().nullable(),
    byteOffset: z.int().nullable(),
    code: z.string(),
    message: z.string(),
    open: z.boolean(),
    firstSeenAt: z.iso.datetime(),
    lastSeenAt: z.iso.datetime(),
    resolvedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: "Issue" });

/** An issue as the API shows it. */
export type IssueView = z.output<typeof issueView>;

/** Which issues: absent fields do not filter. */
const issueFilter = z.object({
  code: z.string().max(100).optional(),
  open: queryFlag.optional(),
});

/** How issues are written: one page of JSON, or all of them as a download. */
export const issueFormat = z.enum(["json", "csv", "jsonl"]);

/** Query of `GET /api/v1/runs/{id}/issues`; paging is for JSON only. */
export const listIssuesQuery = pageQuery
  .extend(issueFilter.shape)
  .extend({ format: issueFormat.default("json") });

/** Answer of `GET /api/v1/runs/{id}/issues`: the oldest first. */
export const issuePage = pageOf(issueView).meta({ id: "IssuePage" });

/** Columns of the CSV download, in this order. */
export const ISSUE_COLUMNS = [
  "id",
  "storageId",
  "runId",
  "key",
  "rowIndex",
  "byteOffset",
  "code",
  "message",
  "open",
  "firstSeenAt",
  "lastSeenAt",
  "resolvedAt",
] as const satisfies readonly (keyof IssueView)[];
