import { z } from "zod";
import { MAX_ROW_ID } from "./paging.ts";

/** Most events of one batch. */
export const MAX_EVENTS = 500;

/** Longest id that a platform gives a task or an annotation. */
export const MAX_EXTERNAL_ID_CHARS = 255;
const MAX_SOURCE_KEY_CHARS = 2_000;
const MAX_UNIQUE_ID_CHARS = 500;
const MAX_ACTION_CHARS = 64;

/** Text that the database takes as it is. */
const plainText = (maxChars: number) =>
  z
    .string()
    .min(1)
    .max(maxChars)
    .refine((text) => text.isWellFormed() && !text.includes("\u0000"), {
      error: "null characters and halves of surrogate pairs are not allowed",
    });

/** The database knows no year 0 and no zone beyond ±15:59. */
const moment = z.iso
  .datetime({ offset: true })
  .refine((text) => !/^0000|[+-](?:1[6-9]|2\d):\d\d$/.test(text), { error: "no such time" });

const externalId = plainText(MAX_EXTERNAL_ID_CHARS);

/** Higher is newer, whenever it arrives: a counter, or a time in microseconds. */
const version = z.int().min(0);

const eventTask = z.union([
  z.strictObject({ id: z.int().min(1) }),
  z.strictObject({ externalId }),
  z.strictObject({ sourceKey: plainText(MAX_SOURCE_KEY_CHARS) }),
]);

/**
 * The whole annotation, under the names of the compatible wire: what is absent is null, for an event that was overtaken is never
 * applied in parts. Other fields are passed over.
 */
export const eventAnnotation = z.object({
  result: z.array(z.unknown()).nullable(),
  was_cancelled: z.boolean().default(false),
  ground_truth: z.boolean().default(false),
  lead_time: z.number().nullable().default(null),
  /** A member of this organisation. */
  completed_by: z.int().min(1).max(MAX_ROW_ID).nullable().default(null),
  unique_id: plainText(MAX_UNIQUE_ID_CHARS).nullable().optional(),
  import_id: z.int().nullable().default(null),
  last_action: plainText(MAX_ACTION_CHARS).nullable().default(null),
  prediction: z.record(z.string(), z.unknown()).nullable().default(null),
  bulk_created: z.boolean().default(false),
  draft_created_at: moment.nullable().default(null),
  created_at: moment.optional(),
  updated_at: moment.optional(),
});

/** An annotation as an event brings it. */
export type EventAnnotation = z.output<typeof eventAnnotation>;

/** What a platform did with one of its annotations. */
export const annotationEvent = z
  .discriminatedUnion("action", [
    z.strictObject({
      action: z.literal("saved"),
      externalId,
      version,
      task: eventTask,
      annotation: eventAnnotation,
    }),
    z.strictObject({ action: z.literal("deleted"), externalId, version }),
  ])
  .meta({ id: "AnnotationEvent" });

/** What a platform says in one event. */
export type AnnotationEvent = z.output<typeof annotationEvent>;

/** Body of `POST /api/v1/annotation-events`. */
export const annotationEventBatch = z
  .strictObject({
    project: z.int().min(1).max(MAX_ROW_ID),
    events: z.array(annotationEvent).min(1).max(MAX_EVENTS),
  })
  .meta({ id: "AnnotationEventBatch" });

/** What one event came to. stale: a newer version, or the deletion, is known already. */
export const annotationEventResult = z
  .object({
    externalId: z.string(),
    status: z.enum(["saved", "deleted", "stale", "failed"]),
    /** Ours, of a saved one. */
    annotationId: z.int().nullable(),
    revision: z.int().nullable(),
    /** Of a failed one: unknown_task, ambiguous_task, other_task, unknown_user, unique_id_taken or invalid_value. */
    code: z.string().nullable(),
    message: z.string().nullable(),
  })
  .meta({ id: "AnnotationEventResult" });

/** What the API says about one event. */
export type AnnotationEventResult = z.output<typeof annotationEventResult>;

/** The answer to a batch: one result per event, in its order. */
export const annotationEventsAnswer = z
  .object({ results: z.array(annotationEventResult), failed: z.int() })
  .meta({ id: "AnnotationEventsAnswer" });
