import { z } from "zod";
import { deliveryCounts, deliverySubject } from "./deliveries.ts";

/** Longest key template; its names and what it must hold are checked where it is saved. */
const MAX_TEMPLATE_CHARS = 512;

/** Why nothing is pushed to a target at the moment: it answers nobody. */
const targetOutage = z.object({
  since: z.iso.datetime(),
  /** One attempt finds out whether it answers again; then everything goes on. */
  nextAttemptAt: z.iso.datetime().nullable(),
  code: z.string().nullable(),
  message: z.string().nullable(),
});

/**
 * A target beyond what the compatible wire shows: how its objects are called, and its live backlog. Settings have their names of
 * the compatible wire.
 */
export const targetView = z
  .object({
    id: z.int(),
    projectId: z.int(),
    type: z.string(),
    title: z.string().nullable(),
    prefix: z.string().nullable(),
    /** One object per annotation, or one per task with all its annotations. */
    subject: deliverySubject,
    /** Null: the id of the subject, or its external id where it has one. */
    key_template: z.string().nullable(),
    json_extension: z.boolean(),
    can_delete_objects: z.boolean(),
    deliveries: deliveryCounts,
    outage: targetOutage.nullable(),
  })
  .meta({ id: "Target" });

/** A target as the API shows it. */
export type TargetView = z.output<typeof targetView>;

/** Body of `PATCH /api/v1/targets/{id}`: absent fields stay. Other keys or another subject fill the target anew. */
export const changeTargetBody = z
  .strictObject({
    subject: deliverySubject.optional(),
    key_template: z.string().max(MAX_TEMPLATE_CHARS).nullable().optional(),
    json_extension: z.boolean().optional(),
    can_delete_objects: z.boolean().optional(),
  })
  .meta({ id: "ChangeTarget" });

/** What a target's change says. */
export type ChangeTargetBody = z.output<typeof changeTargetBody>;
