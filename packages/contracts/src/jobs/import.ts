import { z } from "zod";
import { defineJob, type JobPolicy } from "../job.ts";

/** The run decides how long it takes, so the job has no deadline of its own; the database decides what a retry means. */
const longRunning: JobPolicy = {
  attempts: 1_000,
  // A job that waits for its next attempt silences the rings of its run, so no wait is long.
  backoff: { delayMs: 1_000, capMs: 30_000, jitter: 0.5 },
  timeoutMs: 24 * 3_600_000,
  keepCompleted: { ageSeconds: 7 * 86_400, count: 1_000 },
  keepFailed: { ageSeconds: 14 * 86_400, count: 5_000 },
};

const LABEL_CHARS = 120;

const runPayload = z.object({
  v: z.literal(1),
  organizationId: z.int(),
  runId: z.int(),
  /** For people: "import · s3 cats-bucket · run 17". */
  label: z.string().max(LABEL_CHARS),
});

/** What the board calls a job of a run: "import · s3 cats-bucket · run 17". `number` is that of the run in its storage. */
export function importLabel(run: {
  readonly provider: string;
  readonly title: string | null;
  readonly number: number;
}): string {
  const head = `import · ${run.provider}`;
  const tail = ` · run ${String(run.number)}`;
  const title = run.title?.trim() ?? "";
  if (title === "") return `${head}${tail}`;
  const room = LABEL_CHARS - head.length - tail.length - 1;
  return `${head} ${title.slice(0, room).toWellFormed()}${tail}`;
}

/** One run of a source, from queued to its final state. The job ends as the run ends. */
export const importRun = defineJob({
  name: "import.run",
  queue: "import",
  version: 1,
  payload: runPayload,
  result: z.object({
    state: z.enum(["completed", "completed_with_errors", "canceled"]),
    created: z.int(),
    known: z.int(),
    failed: z.int(),
    tasks: z.int(),
    seconds: z.number(),
  }),
  policy: longRunning,
  dedupe: ({ runId }) => ({ id: `run-${String(runId)}` }),
});

/** One load slot of a run: claims pending objects until there is none. Ends quietly; the run's own job tells the story. */
export const importLoad = defineJob({
  name: "import.load",
  queue: "import",
  version: 1,
  payload: runPayload.extend({ slot: z.int().min(0) }),
  result: z.object({ objects: z.int(), rows: z.int() }),
  policy: { ...longRunning, keepCompleted: { ageSeconds: 3_600, count: 200 } },
  dedupe: ({ runId, slot }) => ({ id: `run-${String(runId)}-load-${String(slot)}` }),
});
