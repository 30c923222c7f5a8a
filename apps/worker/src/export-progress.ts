import type { Clock } from "@bucketbridge/core";
import { RateWindow, type ExportProgress, type ExportRunStore } from "@bucketbridge/sync";
import type { ProgressSnapshot } from "./progress-reporter.ts";

/** A run of a target. */
export interface ExportRunRef {
  readonly organizationId: number;
  readonly targetId: number;
  readonly runId: number;
}

/** Reads the progress of a run of a target: counts of its own cohort; keeps the samples that its rate is made of. */
export function exportProgress(
  { runs, clock }: { readonly runs: Pick<ExportRunStore, "progress">; readonly clock: Clock },
  ref: ExportRunRef,
): () => Promise<ProgressSnapshot | undefined> {
  const rates = new RateWindow();
  return async () => {
    const progress = await runs.progress(ref);
    if (progress === undefined) return undefined;
    const { phase, total, settled, failing } = progress;
    const pending = Math.max(0, total - settled);
    // What a source's run loads is what a target's run pushes: from then on the end is in sight.
    const rate = rates.add({
      phase: phase === "pushing" ? "loading" : "listing",
      listed: settled,
      pending,
      atMs: clock.now(),
    });
    return {
      phase,
      view: { phase, total, settled, pending, failing, ...rate },
      line: toLine(progress),
    };
  };
}

function toLine({ phase, total, settled, failing }: ExportProgress): string {
  if (phase === "comparing") return `comparing: ${String(total)} objects`;
  const name = phase === "final" ? "ended" : phase;
  return `${name}: ${String(settled)} of ${String(total)} settled, ${String(failing)} failing`;
}
