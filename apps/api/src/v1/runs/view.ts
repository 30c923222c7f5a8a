import type { RunCounts, RunView } from "@bucketbridge/contracts";
import type { RunRecord } from "@bucketbridge/db";

/** A run as the native API shows it. */
export function toRunView(run: RunRecord): RunView {
  return {
    id: run.id,
    storageId: run.storageId,
    projectId: run.projectId,
    number: run.number,
    kind: run.kind,
    trigger: run.trigger,
    state: run.state,
    phase: run.phase,
    cancelRequested: run.cancelRequested,
    counts: toRunCounts(run),
    tasksExisted: run.tasksExisted,
    error: toRunError(run),
    warnings: toWarnings(run),
    createdAt: run.createdAt.toISOString(),
    queuedAt: toTime(run.queuedAt),
    startedAt: toTime(run.startedAt),
    heartbeatAt: toTime(run.heartbeatAt),
    finishedAt: toTime(run.finishedAt),
  };
}

function toWarnings({ overlappingTargets }: RunRecord): RunView["warnings"] {
  if (overlappingTargets.length === 0) return [];
  const ids = overlappingTargets.join(", ");
  return [
    {
      code: "source.overlaps_target",
      message: `target ${ids} of this organisation writes where this source reads: the exported annotations were skipped; give exports a prefix or folder of their own`,
    },
  ];
}

/** The counts of a run. */
export function toRunCounts(run: RunRecord): RunCounts {
  const { listed, created, known, skipped, failed, pending, tasks } = run;
  return { listed, created, known, skipped, failed, pending, tasks };
}

/** Why a run failed or was canceled; null for others. */
export function toRunError(run: RunRecord): RunView["error"] {
  const { errorCode, errorReason, errorMessage } = run;
  if (errorCode === null) return null;
  return { code: errorCode, reason: errorReason, message: errorMessage ?? errorCode };
}

/** A moment as the native API writes it. */
export function toTime(moment: Date): string;
export function toTime(moment: Date | null): string | null;
export function toTime(moment: Date | null): string | null {
  return moment === null ? null : moment.toISOString();
}
