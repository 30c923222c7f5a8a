import { z } from "zod";
import { runView } from "./runs.ts";

/** What a dry run found for one reason: all are counted, the first keys are kept. */
export const dryRunFinding = z.object({
  /** `new`, `known`, `filtered`, or the code of the issue that a sync would write. */
  reason: z.string(),
  count: z.int(),
  keys: z.array(z.string()),
});

/** Answer of `GET /api/v1/runs/{id}/dry-run`. */
export const dryRunReport = z
  .object({ run: runView, findings: z.array(dryRunFinding) })
  .meta({ id: "DryRunReport" });

/** A dry run's report. */
export type DryRunReport = z.output<typeof dryRunReport>;
