import { z } from "zod";

/** Kinds of work on a storage. */
export const RUN_KINDS = ["sync", "dry_run", "retry", "reconcile"] as const;
/** One of {@link RUN_KINDS}. */
export type RunKind = (typeof RUN_KINDS)[number];

/** States of a run, in the order of its life. */
export const RUN_STATES = [
  "waiting",
  "queued",
  "running",
  "completed",
  "completed_with_errors",
  "failed",
  "canceled",
] as const;
/** One of {@link RUN_STATES}. */
export type RunState = (typeof RUN_STATES)[number];

/** True when a run in this state never changes again. */
export function isFinalState(state: RunState): boolean {
  return state !== "waiting" && state !== "queued" && state !== "running";
}

/** zod schema of a run kind. */
export const runKind = z.enum(RUN_KINDS);
/** zod schema of a run state. */
export const runState = z.enum(RUN_STATES);
