import { throwIfCanceled } from "@bucketbridge/core";
import type { ExportEngine } from "./engine.ts";
import type { ExportRunSnapshot, TargetRef } from "./ports.ts";
import { pushTarget } from "./push-target.ts";
import { compareTarget } from "./reconcile.ts";

/** What a turn of a run's job came to. */
export type ExportTurn =
  { readonly kind: "final" } | { readonly kind: "yield"; readonly delayMs: number };

/** Between two looks at a cohort whose rest is in other hands or waits for its next attempt. */
const COHORT_POLL_MS = 1_000;

/** Somebody who cancels waits no longer than this for the last claim; a look before every claim is a tenth of what it costs. */
const RUN_LOOK_MS = 250;

/**
 * One turn of a "sync all" (or retry) of a target: marks chunks of subjects wanted, each a short transaction, then pushes
 * like everybody else until the run's own cohort is settled. A reconcile compares the bucket first, and its cohort is what it
 * repairs. Harmless to run twice and by several workers at once.
 */
export async function runExport(
  engine: ExportEngine,
  ref: TargetRef & { readonly runId: number },
  signal: AbortSignal,
): Promise<ExportTurn> {
  const yieldAt = engine.clock.now() + engine.options.yieldMs;
  throwIfCanceled(signal, "export.run");
  const run = await engine.runs.find(ref);
  if (run === undefined || isOver(run)) return { kind: "final" };
  if (run.state === "waiting") return { kind: "yield", delayMs: COHORT_POLL_MS };
  await engine.runs.heartbeat(run);
  if (!run.cancelRequested) {
    const marked = await findWork(engine, run, { yieldAt, signal });
    if (marked === "failed") return await afterComparison(engine, run);
    if (marked === "lost") return { kind: "yield", delayMs: COHORT_POLL_MS };
    if (marked === "yield") return { kind: "yield", delayMs: 0 };
  }
  if (await finishExport(engine, run)) return { kind: "final" };
  const turn = await pushTarget(engine, run, signal, {
    yieldMs: Math.max(0, yieldAt - engine.clock.now()),
    mayGoOn: watchRun(engine, run),
  });
  const { ended } = turn;
  if (await finishExport(engine, run)) return { kind: "final" };
  const delayMs = ended.kind === "idle" ? COHORT_POLL_MS : Math.min(ended.delayMs, COHORT_POLL_MS);
  return { kind: "yield", delayMs };
}

function findWork(
  engine: ExportEngine,
  run: ExportRunSnapshot,
  turn: { readonly yieldAt: number; readonly signal: AbortSignal },
): Promise<"done" | "yield" | "lost" | "failed"> {
  if (run.kind !== "reconcile") return markUntil(engine, run, turn);
  return run.markedUpTo === null ? Promise.resolve("done") : compareTarget(engine, run, turn);
}

async function afterComparison(engine: ExportEngine, run: ExportRunSnapshot): Promise<ExportTurn> {
  if (run.kind === "reconcile") await engine.comparisons.clearMarks(run);
  return { kind: "final" };
}

/** Whether the run is still what it was, by a look now and then. */
function watchRun(engine: ExportEngine, run: ExportRunSnapshot): () => Promise<boolean> {
  let lookAgainAt = 0;
  return async () => {
    if (engine.clock.now() < lookAgainAt) return true;
    lookAgainAt = engine.clock.now() + RUN_LOOK_MS;
    const now = await engine.runs.find(run);
    return now !== undefined && !isOver(now) && now.cancelRequested === run.cancelRequested;
  };
}

/** Marks until all is marked, time is up, or the run is no longer what it was. Rings pushers as soon as there is work. */
async function markUntil(
  engine: ExportEngine,
  run: ExportRunSnapshot,
  { yieldAt, signal }: { readonly yieldAt: number; readonly signal: AbortSignal },
): Promise<"done" | "yield" | "lost"> {
  let current = run;
  while (current.markedUpTo !== null) {
    throwIfCanceled(signal, "export.run");
    const chunk = await engine.runs.markChunk(current, engine.options.markChunk);
    if (chunk === undefined) return "lost";
    if (chunk.marked > 0) engine.bell.ringPush(run);
    if (chunk.done) return "done";
    if (engine.clock.now() >= yieldAt) return "yield";
    const next = await engine.runs.find(run);
    if (next === undefined || isOver(next) || next.cancelRequested) return "lost";
    current = next;
  }
  return "done";
}

/** True when this call ended the run; the next one is rung. */
async function finishExport(engine: ExportEngine, run: ExportRunSnapshot): Promise<boolean> {
  const finished = await engine.runs.finish(run);
  if (finished === undefined) return false;
  engine.log.info({ runId: run.runId, state: finished.state }, "export.run.finished");
  await afterComparison(engine, run);
  if (finished.nextRunId !== null) {
    engine.bell.ringRun({
      organizationId: run.organizationId,
      targetId: run.targetId,
      runId: finished.nextRunId,
    });
  }
  return true;
}

function isOver(run: ExportRunSnapshot): boolean {
  return run.state !== "waiting" && run.state !== "queued" && run.state !== "running";
}
