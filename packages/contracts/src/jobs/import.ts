import { z } from "zod";
import { defineJob } from "../job.ts";
import { LABEL_CHARS, toLabel } from "./label.ts";
import { LONG_RUNNING } from "./policies.ts";

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
  return toLabel({ ...run, work: "import", end: `run ${String(run.number)}` });
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
  policy: LONG_RUNNING,
  dedupe: ({ runId }) => ({ id: `run-${String(runId)}` }),
});

/** One load slot of a run: claims pending objects until there is none. Ends quietly; the run's own job tells the story. */
export const importLoad = defineJob({
  name: "import.load",
  queue: "import",
  version: 1,
  payload: runPayload.extend({ slot: z.int().min(0) }),
  result: z.object({ objects: z.int(), rows: z.int() }),
  policy: { ...LONG_RUNNING, keepCompleted: { ageSeconds: 3_600, count: 200 } },
  dedupe: ({ runId, slot }) => ({ id: `run-${String(runId)}-load-${String(slot)}` }),
});
