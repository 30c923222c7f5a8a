import { z } from "zod";

/** Most entries of one page of /api/v1. */
export const MAX_PAGE_ENTRIES = 500;

/** Entries of a page when the request names no limit. */
const DEFAULT_PAGE_ENTRIES = 100;

/** Query fields of a keyset page: pass `nextCursor` of the answer to go on. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_ENTRIES).default(DEFAULT_PAGE_ENTRIES),
  cursor: z.coerce.number().int().min(0).optional(),
});

/** One page of `entry`; `nextCursor` is null on the last one. */
export function pageOf<Entry extends z.ZodType>(
  entry: Entry,
): z.ZodObject<{ items: z.ZodArray<Entry>; nextCursor: z.ZodNullable<z.ZodInt> }> {
  return z.object({ items: z.array(entry), nextCursor: z.int().nullable() });
}

/** `true`, `1`, `false`, `0` in a query. */
export const queryFlag = z.stringbool({ truthy: ["true", "1"], falsy: ["false", "0"] });

/** Largest id of the tables whose ids are four bytes long. */
export const MAX_ROW_ID = 2 ** 31 - 1;

/** The `{id}` of a path. */
export const idParams = z.object({ id: z.coerce.number().int().min(1) });
