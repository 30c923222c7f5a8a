import type { Clock } from "@bucketbridge/core";
import { RateWindow, type RunRef } from "@bucketbridge/sync";
import type { RunView, RunViews } from "./ports.ts";
import type { ProgressSnapshot } from "./progress-reporter.ts";

/** Reads the progress of a run of a source; keeps the samples that its rate is made of. */
export function importProgress(
  { views, clock }: { readonly views: RunViews; readonly clock: Clock },
  { organizationId, runId }: RunRef,
): () => Promise<ProgressSnapshot | undefined> {
  const rates = new RateWindow();
  return async () => {
    const run = await views.find(organizationId, runId);
    if (run === undefined) return undefined;
    const { phase, listed, created, failed, pending, tasks } = run;
    const rate = rates.add({ phase, listed, pending, atMs: clock.now() });
    const view = { phase, listed, new: created, failed, pending, tasks, ...rate };
    return { phase, view, line: toLine(run) };
  };
}

function toLine({ phase, state, listed, created, known, tasks, failed, pending }: RunView): string {
  const counts = [
    `${String(listed)} listed`,
    `${String(created)} new`,
    `${String(known)} known`,
    `${String(tasks)} tasks`,
    `${String(failed)} failed`,
    `${String(pending)} pending`,
  ];
  return `${phase === "final" ? state : phase}: ${counts.join(", ")}`;
}
