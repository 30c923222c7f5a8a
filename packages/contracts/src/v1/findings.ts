import { z } from "zod";
import { deliverySubject } from "./deliveries.ts";
import { MAX_PAGE_ENTRIES, pageQuery } from "./paging.ts";

/**
 * missing: delivered and not in the bucket. changed: there, with another content than was put. stale: there again although it was
 * deleted. foreign: nobody delivered it; it is never touched.
 */
const findingKind = z.enum(["changed", "foreign", "missing", "stale"]);

/** One thing that a comparison of a target with its bucket found. */
export const findingView = z
  .object({
    kind: findingKind,
    /** In the bucket; a very long one is cut. */
    key: z.string(),
    /** Null for a foreign object. */
    subject: deliverySubject.nullable(),
    subjectId: z.int().nullable(),
  })
  .meta({ id: "Finding" });

/** A finding as the API shows it. */
export type FindingView = z.output<typeof findingView>;

const CURSOR = /^(changed|foreign|missing|stale)-(.{1,3000})$/s;

/** A place in the list: the last finding of the page before. */
const findingCursor = z
  .string()
  .regex(CURSOR)
  .transform((text) => {
    const [, kind = "", key = ""] = CURSOR.exec(text) ?? [];
    return { kind: findingKind.parse(kind), key };
  });

/** The cursor that goes on after `last`. */
export function toFindingCursor({ kind, key }: Pick<FindingView, "kind" | "key">): string {
  return `${kind}-${key}`;
}

/** Query of `GET /api/v1/targets/{id}/findings`; paging is for JSON only. */
export const listFindingsQuery = pageQuery.extend({
  cursor: findingCursor.optional(),
  kind: findingKind.optional(),
  /** A comparison of the target; absent: the newest one that has begun. */
  run: z.coerce.number().int().min(1).optional(),
  format: z.enum(["json", "csv", "jsonl"]).default("json"),
});

/** Numbers of findings by kind. They are exact, while the first 10,000 keys of each kind are kept. */
const findingCounts = z
  .object({ changed: z.int(), foreign: z.int(), missing: z.int(), stale: z.int() })
  .meta({ id: "FindingCounts" });

/** Answer of `GET /api/v1/targets/{id}/findings`, by kind and key. */
export const findingPage = z
  .object({
    items: z.array(findingView).max(MAX_PAGE_ENTRIES),
    nextCursor: z.string().nullable(),
    /** The comparison that found them; null: there is none yet. */
    runId: z.int().nullable(),
    counts: findingCounts,
  })
  .meta({ id: "FindingPage" });

/** Columns of the CSV download, in this order. */
export const FINDING_COLUMNS = [
  "kind",
  "key",
  "subject",
  "subjectId",
] as const satisfies readonly (keyof FindingView)[];

/** Body of `POST /api/v1/targets/{id}/reconcile`; it may be left out. */
export const reconcileBody = z
  .strictObject({
    /** Write again what is missing or changed, and delete again what was deleted. */
    repair: z.boolean().optional(),
  })
  // An absent body arrives as null.
  .nullish()
  .meta({ id: "Reconcile" });
