import { z } from "zod";
import { annotationEventResult, eventAnnotation } from "./annotation-events.ts";

/** Most annotations that one call of a hook carries. */
const MAX_HOOK_ITEMS = 5_000;

/** Body of `PUT /api/v1/projects/{id}/label-studio-webhook`. */
export const changeWebhookBody = z.strictObject({
  /** The header that the hook sends; other names have a meaning of their own in HTTP. */
  headerName: z
    .string()
    .max(100)
    .regex(/^(?:authorization|x-[a-z0-9-]+)$/i)
    .default("X-Bucketbridge-Webhook"),
});

/** What the hook has to send; the value is in this answer alone. */
export const newWebhookHeader = z
  .object({ headerName: z.string(), value: z.string() })
  .meta({ id: "NewWebhookHeader" });

const hookId = z.int().min(1);

/** Whoever completed it is a person of the other server. */
const hookAnnotation = eventAnnotation.omit({ completed_by: true }).extend({
  id: hookId,
  task: hookId,
  updated_at: z.iso.datetime({ offset: true }),
});

const hookTask = z.looseObject({ id: hookId, data: z.unknown() });

/** The actions that change annotations, as Label Studio sends them; the plural of creation keeps the singular names. */
export const labelStudioHook = z.discriminatedUnion("action", [
  z.object({
    action: z.enum(["ANNOTATION_CREATED", "ANNOTATION_UPDATED"]),
    annotation: hookAnnotation,
    task: hookTask,
  }),
  z.object({
    action: z.literal("ANNOTATIONS_CREATED"),
    annotation: z.array(hookAnnotation).max(MAX_HOOK_ITEMS),
    task: z.array(hookTask).max(MAX_HOOK_ITEMS),
  }),
  z.object({
    action: z.literal("ANNOTATIONS_DELETED"),
    annotations: z.array(z.object({ id: hookId })).max(MAX_HOOK_ITEMS),
  }),
]);

/** A call of a hook that changes annotations. */
export type LabelStudioHook = z.output<typeof labelStudioHook>;

/** ignored: another action, or a hook that sends no payload. */
export const webhookAnswer = z
  .object({ status: z.enum(["applied", "ignored"]), results: z.array(annotationEventResult) })
  .meta({ id: "WebhookAnswer" });
