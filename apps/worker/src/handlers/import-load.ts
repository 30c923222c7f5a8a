import { Yield, type JobContext, type JobHandler } from "@bucketbridge/queue";
import { runLoadSlot, type RunRef } from "@bucketbridge/sync";
import type { ImportDeps } from "../deps.ts";
import { failRunFor } from "./run-end.ts";

/** Time for another process to take a slot that this one has no room for. */
const ELSEWHERE_DELAY_MS = 1_000;

/** One turn of a load slot; the job ends when nothing can be claimed. */
export function createImportLoadHandler(deps: ImportDeps): JobHandler<"import.load"> {
  const { engine, share } = deps;
  return async ({ organizationId, runId, slot }, context) => {
    if (share.isFull(runId)) return new Yield({ delayMs: ELSEWHERE_DELAY_MS });
    const run: RunRef = { organizationId, runId };
    const log = context.log.child({ runId, slot });
    try {
      const turn = await share.during(runId, () =>
        runLoadSlot({ ...engine, log }, { ...run, slot }, context.signal),
      );
      context.jobLog(`${String(turn.objects)} objects, ${String(turn.rows)} rows`);
      const loaded = {
        objects: countSoFar(context, "objects") + turn.objects,
        rows: countSoFar(context, "rows") + turn.rows,
      };
      context.progress(loaded);
      const { outcome } = turn;
      return outcome.kind === "final" ? loaded : new Yield({ delayMs: outcome.delayMs });
    } catch (error) {
      if (!(await failRunFor(error, engine, run))) throw error;
      log.warn({ error }, "import.load.unusable");
      return { objects: countSoFar(context, "objects"), rows: countSoFar(context, "rows") };
    }
  };
}

/** What earlier turns of the job have shown. */
function countSoFar({ previous }: JobContext, name: "objects" | "rows"): number {
  const count = previous?.[name];
  return typeof count === "number" ? count : 0;
}
