import { z } from "zod";
import { defineJob } from "../job.ts";
import { LABEL_CHARS, toLabel } from "./label.ts";
import { LONG_RUNNING } from "./policies.ts";

const targetPayload = z.object({
  v: z.literal(1),
  organizationId: z.int(),
  targetId: z.int(),
  /** For people: "export · s3 annotations · run 17", "export · s3 annotations · push". */
  label: z.string().max(LABEL_CHARS),
});

/** What the board calls the job of a run of a target: "export · s3 annotations · run 17". */
export function exportLabel(run: {
  readonly provider: string;
  readonly title: string | null;
  readonly number: number;
}): string {
  return toLabel({ ...run, work: "export", end: `run ${String(run.number)}` });
}

/** What the board calls the bell of a target: "export · s3 annotations · push". */
export function pushLabel(target: {
  readonly provider: string;
  readonly title: string | null;
}): string {
  return toLabel({ ...target, work: "export", end: "push" });
}

/** One sync of all (or retry) of a target, from queued to its final state. The job ends as the run ends. */
export const exportSync = defineJob({
  name: "export.sync",
  queue: "export",
  version: 1,
  payload: targetPayload.extend({ runId: z.int() }),
  result: z.object({
    state: z.enum(["completed", "completed_with_errors", "canceled"]),
    /** Subjects that the run wanted, and those of them that were written, replaced by something newer, or ended. */
    total: z.int(),
    settled: z.int(),
    failed: z.int(),
    seconds: z.number(),
  }),
  policy: LONG_RUNNING,
  dedupe: ({ runId }) => ({ id: `run-${String(runId)}` }),
});

/**
 * The bell of a target: pushes what is due until nothing is. A ring while it works is kept, so that a wish that came too late
 * for its last claim is pushed right after it. It leaves nothing on the board; deliveries tell their own story.
 */
export const exportPush = defineJob({
  name: "export.push",
  queue: "export",
  version: 1,
  payload: targetPayload,
  result: z.object({ delivered: z.int(), failed: z.int() }),
  policy: {
    ...LONG_RUNNING,
    // A bell that waits silences the next ones; the sweep rings whatever happens.
    backoff: { delayMs: 500, capMs: 5_000, jitter: 0.5 },
    keepCompleted: { ageSeconds: 0, count: 0 },
  },
  dedupe: ({ targetId }) => ({ id: `push-${String(targetId)}`, keepLastIfActive: true }),
});

/** What the board calls the job of an export snapshot: "export · snapshot January · 12". */
export function snapshotLabel(snapshot: { readonly id: number; readonly title: string }): string {
  const { id, title } = snapshot;
  return toLabel({ work: "export", provider: "snapshot", title, end: String(id) });
}

/** Writes one export snapshot of a project, or finds that another worker has done so. */
export const exportSnapshot = defineJob({
  name: "export.snapshot",
  queue: "export",
  version: 1,
  payload: z.object({
    v: z.literal(1),
    organizationId: z.int(),
    snapshotId: z.int(),
    label: z.string().max(LABEL_CHARS),
  }),
  result: z.object({
    /** other: another worker's, finished before, or deleted. */
    state: z.enum(["completed", "other"]),
    tasks: z.int(),
    annotations: z.int(),
    bytes: z.int(),
  }),
  policy: LONG_RUNNING,
  dedupe: ({ snapshotId }) => ({ id: `snapshot-${String(snapshotId)}` }),
});
