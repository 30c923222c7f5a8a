import { Yield, type JobContext, type JobHandler } from "@bucketbridge/queue";
import { pushTarget } from "@bucketbridge/sync";
import type { ExportDeps } from "../deps.ts";

/** A bell has no place in the order yet: it comes before all others, so it gets no more than a taste of a turn. */
const FIRST_TURN_MS = 1_000;

/** A breaker that opens for the first time does so for about a second: not worth waiting for the sweep. */
const SHORT_WAIT_MS = 2_000;

/**
 * One turn of a target's bell; the job ends when nothing can be pushed now. A breaker that is open for longer ends it too: a
 * job that waits would silence the ring that follows mended settings, and the sweep rings once a probe is allowed.
 */
export function createExportPushHandler(deps: ExportDeps): JobHandler<"export.push"> {
  return async ({ organizationId, targetId }, context) => {
    const log = context.log.child({ targetId });
    const engine = { ...deps.exporting, log };
    const yieldMs = context.place === undefined ? FIRST_TURN_MS : undefined;
    const turn = await pushTarget(engine, { organizationId, targetId }, context.signal, {
      yieldMs: Math.min(yieldMs ?? Infinity, engine.options.yieldMs),
      lingers: true,
    });
    const pushed = {
      delivered: countSoFar(context, "delivered") + turn.delivered,
      failed: countSoFar(context, "failed") + turn.failed,
    };
    context.progress(pushed);
    const { ended } = turn;
    const isWaiting = ended.kind === "yield" && ended.delayMs <= SHORT_WAIT_MS;
    return isWaiting ? new Yield({ delayMs: ended.delayMs }) : pushed;
  };
}

/** What earlier turns of the job have shown. */
function countSoFar({ previous }: JobContext, name: "delivered" | "failed"): number {
  const count = previous?.[name];
  return typeof count === "number" ? count : 0;
}
