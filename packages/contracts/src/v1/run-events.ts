import { z } from "zod";
import { runState } from "../run.ts";
import { runCounts, runError, runPhase } from "./runs.ts";

/**
 * Data of an event of `GET /api/v1/runs/{id}/events`. The event is called `progress`, and `final` for the last one, after
 * which the stream ends. Events carry the state as it is, not a change, so a client that lost some has missed nothing.
 */
export const runEvent = z
  .object({
    runId: z.int(),
    state: runState,
    phase: runPhase,
    counts: runCounts,
    /** Objects listed or loaded per second over the last samples; null before two samples. */
    ratePerSecond: z.number().nullable(),
    /** Seconds to the end at this rate; null until the listing is complete. */
    etaSeconds: z.int().nullable(),
    error: runError.nullable(),
  })
  .meta({ id: "RunEvent" });

/** A run event. */
export type RunEvent = z.output<typeof runEvent>;
