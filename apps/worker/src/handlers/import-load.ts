import { Yield, type JobHandler } from "@bucketbridge/queue";
import { runLoadSlot, type RunRef } from "@bucketbridge/sync";
import type { ImportDeps } from "../deps.ts";
import { failRunFor } from "./run-end.ts";

/** One turn of a load slot; the job ends when nothing can be claimed. */
export function createImportLoadHandler(deps: ImportDeps): JobHandler<"import.load"> {
  const { engine, cards } = deps;
  return async ({ organizationId, runId, slot }, context) => {
    const run: RunRef = { organizationId, runId };
    const log = context.log.child({ runId, slot });
    try {
      const turn = await runLoadSlot({ ...engine, log }, { ...run, slot }, context.signal);
      const { objects, rows, outcome } = turn;
      context.jobLog(`${String(objects)} objects, ${String(rows)} rows`);
      if (outcome.kind === "final") return { objects, rows };
      const card = await cards.describe(run);
      return new Yield({ delayMs: outcome.delayMs, priority: card?.rank });
    } catch (error) {
      if (!(await failRunFor(error, engine, run))) throw error;
      log.warn({ error }, "import.load.unusable");
      return { objects: 0, rows: 0 };
    }
  };
}
