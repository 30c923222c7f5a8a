import { throwIfCanceled } from "@bucketbridge/core";
import type { ImportEngine, TurnOutcome } from "./engine.ts";
import { loadSlot } from "./load-slot.ts";
import type { RunRef, RunSnapshot, RunStateName } from "./ports.ts";
import { scanUnit } from "./scan-unit.ts";

/** Between two looks at a run whose rest is in other hands. */
const OTHERS_WORK_MS = 1_000;

/** After a cancel: other workers notice with their next renewal or commit. */
const CANCEL_POLL_MS = 250;

/**
 * One turn of a run's own job: lists free units, then loads like everybody else, then asks whether the run is over.
 * Harmless to run twice and by several workers at once: units and objects are leased, and exactly one caller ends
 * the run.
 */
export async function runImport(
  engine: ImportEngine,
  ref: RunRef,
  signal: AbortSignal,
): Promise<TurnOutcome> {
  const yieldAt = engine.clock.now() + engine.options.yieldMs;
  for (;;) {
    throwIfCanceled(signal, "import.run");
    const run = await engine.runs.find(ref);
    if (run === undefined || isOver(run.state)) return { kind: "final" };
    if (run.state === "waiting") return { kind: "yield", delayMs: OTHERS_WORK_MS };
    await engine.runs.heartbeat(ref);
    const turn = run.cancelRequested ? undefined : await takeTurn(engine, run, { signal, yieldAt });
    if (turn === "again") continue;
    if (turn === "yield") return { kind: "yield", delayMs: 0 };
    if (await finishRun(engine, ref)) return { kind: "final" };
    const now = await engine.runs.find(ref);
    if (now === undefined || isOver(now.state)) return { kind: "final" };
    return { kind: "yield", delayMs: now.cancelRequested ? CANCEL_POLL_MS : OTHERS_WORK_MS };
  }
}

/** One turn of a load slot. Ends quietly when there is nothing to claim; the run's own job and the sweep do the rest. */
export async function runLoadSlot(
  engine: ImportEngine,
  ref: RunRef & { readonly slot: number },
  signal: AbortSignal,
): Promise<{ readonly outcome: TurnOutcome; readonly objects: number; readonly rows: number }> {
  const run = await engine.runs.find(ref);
  const nothing = { outcome: { kind: "final" }, objects: 0, rows: 0 } as const;
  if (run === undefined || run.state !== "running" || run.cancelRequested || !loads(run))
    return nothing;
  const yieldAt = engine.clock.now() + engine.options.yieldMs;
  const result = await loadSlot(engine, run, { slot: ref.slot, signal, yieldAt });
  if (result.ended === "yield") return { ...result, outcome: { kind: "yield", delayMs: 0 } };
  await finishRun(engine, ref);
  return { ...result, outcome: { kind: "final" } };
}

/**
 * Asks, in a transaction of its own, whether anything is listing, pending or leased; the one caller that ends the run
 * rings the next one. True when this call ended it.
 */
export async function finishRun(engine: ImportEngine, ref: RunRef): Promise<boolean> {
  const finished = await engine.runs.finish(ref);
  if (finished === undefined) return false;
  engine.log.info({ runId: ref.runId, state: finished.state }, "import.run.finished");
  if (finished.nextRunId !== null) engine.bell.ringRun({ ...ref, runId: finished.nextRunId });
  return true;
}

/** `again`: look at the run anew. `yield`: give the slot back. Undefined: nothing to do here, ask for the finish. */
async function takeTurn(
  engine: ImportEngine,
  run: RunSnapshot,
  options: { readonly signal: AbortSignal; readonly yieldAt: number },
): Promise<"again" | "yield" | undefined> {
  const lease = await engine.scans.takeUnit(run, engine.owner);
  if (lease !== undefined) {
    const outcome = await scanUnit(engine, lease, options);
    return outcome === "yield" ? "yield" : "again";
  }
  if (!loads(run) || run.state !== "running") return undefined;
  const result = await loadSlot(engine, run, { slot: 0, ...options });
  return result.ended === "yield" ? "yield" : result.ended === "stop" ? "again" : undefined;
}

/** Runs of the files method and dry runs never have pending objects of their own. */
function loads(run: RunSnapshot): boolean {
  return run.kind !== "dry_run";
}

function isOver(state: RunStateName): boolean {
  return state !== "waiting" && state !== "queued" && state !== "running";
}
