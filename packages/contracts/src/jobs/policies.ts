import type { JobPolicy } from "../job.ts";

/** The run decides how long it takes, so the job has no deadline of its own; the database decides what a retry means. */
export const LONG_RUNNING: JobPolicy = {
  attempts: 1_000,
  // A job that waits for its next attempt silences the rings of its run, so no wait is long.
  backoff: { delayMs: 1_000, capMs: 30_000, jitter: 0.5 },
  timeoutMs: 24 * 3_600_000,
  keepCompleted: { ageSeconds: 7 * 86_400, count: 1_000 },
  keepFailed: { ageSeconds: 14 * 86_400, count: 5_000 },
};
