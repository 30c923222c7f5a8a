import type { ResultOf } from "@bucketbridge/contracts";
import { AppError, isAppError } from "@bucketbridge/core";
import { Yield, type JobHandler } from "@bucketbridge/queue";
import { runExport, toRunFailure, type ExportTurn } from "@bucketbridge/sync";
import type { ExportDeps } from "../deps.ts";
import { exportProgress, type ExportRunRef } from "../export-progress.ts";
import type { RunView } from "../ports.ts";
import { ProgressReporter } from "../progress-reporter.ts";
import { secondsOf, toJobError } from "./run-end.ts";

/** A run that was deleted with its target. */
const GONE: ResultOf<"export.sync"> = {
  state: "canceled",
  total: 0,
  settled: 0,
  failed: 0,
  seconds: 0,
};

/** One turn of a run of a target; the job ends when the run is final. */
export function createExportSyncHandler(deps: ExportDeps): JobHandler<"export.sync"> {
  return async ({ organizationId, targetId, runId }, context) => {
    const ref: ExportRunRef = { organizationId, targetId, runId };
    const engine = { ...deps.exporting, log: context.log.child({ runId }) };
    const read = exportProgress(engine, ref);
    const reporter = new ProgressReporter({ runId, read, clock: engine.clock }, context);
    let turn: ExportTurn;
    try {
      turn = await runExport(engine, ref, context.signal);
    } catch (error) {
      if (!(await failRunFor(error, deps, ref))) throw error;
      engine.log.warn({ error }, "export.run.unusable");
      turn = { kind: "final" };
    } finally {
      await reporter.stop();
    }
    if (turn.kind === "yield") return new Yield({ delayMs: turn.delayMs });
    return toExportEnd(await deps.views.find(organizationId, runId));
  };
}

/** The job ends as its run has ended: a result with the counts, or the error of the failed run. */
function toExportEnd(run: RunView | undefined): ResultOf<"export.sync"> {
  if (run === undefined) return GONE;
  const { state, listed, created, failed } = run;
  switch (state) {
    case "completed":
    case "completed_with_errors":
    case "canceled":
      return { state, total: listed, settled: created, failed, seconds: secondsOf(run) };
    case "failed":
      throw toJobError(run, "export.sync");
    case "waiting":
    case "queued":
    case "running":
      throw new AppError({
        code: "internal",
        op: "export.sync",
        message: `run ${String(run.number)} is ${state} although its job wants to end`,
      });
  }
}

/** Ends the run when `error` never gets better, since the sweep rings for every active run. True when the run is over. */
async function failRunFor(
  error: unknown,
  { exporting }: ExportDeps,
  ref: ExportRunRef,
): Promise<boolean> {
  if (!isAppError(error) || error.retry !== "never" || error.code === "canceled") return false;
  const ended = await exporting.runs.fail(ref, toRunFailure(error));
  if (ended?.nextRunId != null) exporting.bell.ringRun({ ...ref, runId: ended.nextRunId });
  return true;
}
