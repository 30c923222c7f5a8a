import type { JobName, ResultOf } from "@bucketbridge/contracts";
import { Yield, type JobContext, type JobHandler } from "@bucketbridge/queue";
import type { TurnNumbers } from "../ports.ts";

/** Places start behind that of new jobs. */
const FIRST_PLACE = 1;

/** The wait of a job that could not draw. */
const NUMBERLESS_DELAY_MS = 1_000;

/** A job of an organisation. */
interface OfOrganization {
  readonly organizationId: number;
}

/**
 * Lets the jobs of organisations, and the runs of each, take turns (docs/adr/0012): a new job first draws a number and
 * goes back into the queue, a job that has used up its turn draws the next one. A job that merely waits keeps its number.
 * With `startsAtOnce` a new job gets a first turn without a number, before all others: for jobs that are mostly short, and
 * whose handler makes that turn a short one.
 */
export function inTurns<Name extends JobName, Payload extends OfOrganization>(
  numbers: TurnNumbers,
  handler: (payload: Payload, context: JobContext) => Promise<ResultOf<Name> | Yield>,
  { startsAtOnce = false }: { readonly startsAtOnce?: boolean } = {},
): (payload: Payload, context: JobContext) => ReturnType<JobHandler<Name>> {
  return async (payload, context) => {
    if (context.place === undefined && !startsAtOnce) return goBehind(numbers, payload, context);
    const result = await handler(payload, context);
    if (!(result instanceof Yield) || result.delayMs > 0) return result;
    return goBehind(numbers, payload, context);
  };
}

async function goBehind(
  numbers: TurnNumbers,
  { organizationId }: OfOrganization,
  context: JobContext,
): Promise<Yield> {
  try {
    const served = context.place === undefined ? 0 : context.place - FIRST_PLACE;
    const drawn = await numbers.draw({ organizationId, served });
    return new Yield({ delayMs: 0, place: drawn + FIRST_PLACE });
  } catch (error) {
    context.log.warn({ error }, "queue.turn.failed");
    // Without a number the job must not come first again at once.
    return new Yield({ delayMs: NUMBERLESS_DELAY_MS });
  }
}
