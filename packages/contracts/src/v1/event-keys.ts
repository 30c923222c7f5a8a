import { z } from "zod";
import { MAX_ROW_ID } from "./paging.ts";

/** A key that signs the events of a project; its secret is never shown again. */
export const eventKeyView = z
  .object({ id: z.int(), createdAt: z.iso.datetime() })
  .meta({ id: "EventKey" });

/** A key as the API shows it. */
export type EventKeyView = z.output<typeof eventKeyView>;

/** The keys in force, oldest first: two at most. */
export const eventKeyList = z.object({ items: z.array(eventKeyView) });

/** A new key with its secret, which this answer alone has. */
export const newEventKey = eventKeyView.extend({ secret: z.string() }).meta({ id: "NewEventKey" });

/** The path of one key of a project. */
export const eventKeyParams = z.object({
  id: z.coerce.number().int().min(1),
  keyId: z.coerce.number().int().min(1).max(MAX_ROW_ID),
});
