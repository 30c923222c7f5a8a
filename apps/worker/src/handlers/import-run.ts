import { Yield, type JobHandler } from "@bucketbridge/queue";
import { runImport, type RunRef, type TurnOutcome } from "@bucketbridge/sync";
import type { ImportDeps } from "../deps.ts";
import { importProgress } from "../import-progress.ts";
import { ProgressReporter } from "../progress-reporter.ts";
import { failRunFor, toJobEnd } from "./run-end.ts";

/** One turn of a run; the job ends when the run is final. */
export function createImportRunHandler(deps: ImportDeps): JobHandler<"import.run"> {
  const { engine, share } = deps;
  return async ({ organizationId, runId }, context) => {
    const run: RunRef = { organizationId, runId };
    const log = context.log.child({ runId });
    const read = importProgress(deps, run);
    const reporter = new ProgressReporter({ runId, read, clock: deps.clock }, context);
    let outcome: TurnOutcome;
    try {
      outcome = await share.during(runId, () => runImport({ ...engine, log }, run, context.signal));
    } catch (error) {
      if (!(await failRunFor(error, engine, run))) throw error;
      log.warn({ error }, "import.run.unusable");
      outcome = { kind: "final" };
    } finally {
      await reporter.stop();
    }
    if (outcome.kind === "final") return toJobEnd(await deps.views.find(organizationId, runId));
    return new Yield({ delayMs: outcome.delayMs });
  };
}
