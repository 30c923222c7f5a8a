import { AppError, ERROR_CODES, isAppError, type ErrorCode } from "@bucketbridge/core";
import type { ResultOf } from "@bucketbridge/contracts";
import { toRunFailure, type ImportEngine, type RunRef } from "@bucketbridge/sync";
import type { RunView } from "../ports.ts";

/** A run that was deleted with its storage. */
const GONE: ResultOf<"import.run"> = {
  state: "canceled",
  created: 0,
  known: 0,
  failed: 0,
  tasks: 0,
  seconds: 0,
};

/** The job ends as its run has ended: a result with the counts, or the error of the failed run. */
export function toJobEnd(view: RunView | undefined): ResultOf<"import.run"> {
  if (view === undefined) return GONE;
  const { state, created, known, failed, tasks } = view;
  switch (state) {
    case "completed":
    case "completed_with_errors":
    case "canceled":
      return { state, created, known, failed, tasks, seconds: secondsOf(view) };
    case "failed":
      throw toJobError(view, "import.run");
    case "waiting":
    case "queued":
    case "running":
      throw new AppError({
        code: "internal",
        op: "import.run",
        message: `run ${String(view.number)} is ${state} although its job wants to end`,
      });
  }
}

/**
 * Ends the run when `error` never gets better: settings that cannot be used would otherwise be tried for ever, since the
 * sweep rings for every active run. True when the run has ended, by this call or another.
 */
export async function failRunFor(
  error: unknown,
  engine: ImportEngine,
  run: RunRef,
): Promise<boolean> {
  if (!isAppError(error) || error.retry !== "never" || error.code === "canceled") return false;
  const ended = await engine.runs.fail(run, toRunFailure(error), undefined);
  if (ended?.nextRunId != null) engine.bell.ringRun({ ...run, runId: ended.nextRunId });
  return true;
}

/** What the job of a failed run ends with. */
export function toJobError(
  { errorCode, errorReason, errorMessage }: RunView,
  op: string,
): AppError {
  const code = ERROR_CODES.find((known) => known === errorCode) ?? ("internal" satisfies ErrorCode);
  return new AppError({
    code,
    reason: errorReason ?? undefined,
    message: errorMessage ?? "the run failed without a message",
    op,
    retry: "never",
  });
}

/** How long a run took; 0 when it never began. */
export function secondsOf({ startedAt, finishedAt }: RunView): number {
  if (startedAt === null || finishedAt === null) return 0;
  return (finishedAt.getTime() - startedAt.getTime()) / 1_000;
}
