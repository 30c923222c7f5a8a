import { z } from "zod";

/** What goes into commands stays one word there. */
const MAX_NAME_CHARS = 255;
const MAX_PREFIX_CHARS = 1_024;

/** Query of `GET /api/v1/storages/{type}/setup`. */
export const setupQuery = z.strictObject({
  /** A project of the organisation, where the storage will be. */
  project: z.coerce.number().int().positive(),
  /** Bucket, container, `catalog.schema.volume`, folder or path, by the type. */
  bucket: z
    .string()
    .trim()
    .min(1)
    .max(MAX_NAME_CHARS)
    .regex(/^[\w.:/-]+$/, "letters, digits and . : / _ - only"),
  prefix: z.string().trim().max(MAX_PREFIX_CHARS).optional(),
});

/** Path of the same. */
export const setupParams = z.object({ type: z.string() });

const setupSection = z.object({
  /** Stable within a type. */
  id: z.string(),
  title: z.string(),
  format: z.enum(["json", "shell", "terraform", "sql", "text"]),
  /** To paste. `<…>` in it is for the reader to fill in. */
  text: z.string(),
  /** When it is needed, what it does not do, how to undo it. */
  note: z.string().optional(),
});

/** What the owner of a store has to do, written for him. */
export const setupView = z
  .object({
    type: z.string(),
    title: z.string(),
    sections: z.array(setupSection),
    /** What this installation does not know of itself and why; placeholders stand in its place. */
    missing: z.array(z.object({ name: z.string(), problem: z.string() })),
  })
  .meta({ id: "StorageSetup" });

/** The same as the API shows it. */
export type SetupView = z.output<typeof setupView>;
