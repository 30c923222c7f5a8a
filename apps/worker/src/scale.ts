import { CLAIM_OBJECTS } from "@bucketbridge/core";
import type { WorkCounts } from "./ports.ts";

/** Worker processes that the waiting work could keep busy, per group. */
export interface WorkersWanted {
  readonly import: number;
  readonly export: number;
}

/** Deliveries that one push job puts before it takes turns. */
const DELIVERIES_PER_JOB = 500;

/**
 * How many processes are worth having for the work that PostgreSQL knows of; the length of the queue says nothing:
 * one run is one job. Each open unit keeps one job busy, each claim of pending objects another, up to `loadSlots` per run.
 */
export function toWorkersWanted(
  work: WorkCounts,
  options: { readonly concurrency: number; readonly loadSlots: number },
): WorkersWanted {
  const { concurrency, loadSlots } = options;
  const loads = Math.min(
    Math.ceil(work.pendingObjects / CLAIM_OBJECTS),
    work.activeRuns * loadSlots,
  );
  return {
    import: Math.ceil((work.openUnits + loads) / concurrency),
    export: Math.ceil(Math.ceil(work.dueDeliveries / DELIVERIES_PER_JOB) / concurrency),
  };
}
