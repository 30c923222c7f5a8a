import type { RunEvent } from "@bucketbridge/contracts";
import { isFinalState } from "@bucketbridge/contracts";
import type { Clock } from "@bucketbridge/core";
import { RateWindow } from "@bucketbridge/sync";
import type { RunSample } from "../../runs/run-watchers.ts";
import { toRunCounts, toRunError } from "../runs/view.ts";

/** Proxies cut a connection that is silent for a minute; browsers notice a dead one by the missing comment. */
const HEARTBEAT_MS = 15_000;

/** The id of a run's last event: a browser that comes back with it wants nothing more. */
export function finalEventId(runId: number): string {
  return `run-${String(runId)}-final`;
}

/** Samples of a run as text/event-stream, with a comment when nothing happened for a while. Ends after the final state. */
export async function* toEventStream(
  samples: AsyncIterable<RunSample>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const rates = new RateWindow();
  const iterator = samples[Symbol.asyncIterator]();
  let next = iterator.next();
  let last = "";
  try {
    for (let id = 1; !signal.aborted;) {
      const result = await beatOr(next, clock, signal);
      if (result === "beat") {
        yield ": still here\n\n";
        continue;
      }
      if (result.done === true) return;
      next = iterator.next();
      const event = toRunEvent(result.value, rates);
      const text = JSON.stringify(event);
      if (text === last) continue;
      last = text;
      yield toMessage(event, text, id++);
    }
  } finally {
    await iterator.return?.();
  }
}

function toRunEvent(sample: RunSample, rates: RateWindow): RunEvent {
  const { run } = sample;
  const { perSecond, etaSeconds } = rates.add({ ...run, atMs: sample.atMs });
  return {
    runId: run.id,
    state: run.state,
    phase: run.phase,
    counts: toRunCounts(run),
    ratePerSecond: perSecond,
    etaSeconds,
    error: toRunError(run),
  };
}

function toMessage(event: RunEvent, data: string, id: number): string {
  const isFinal = isFinalState(event.state);
  const name = isFinal ? "final" : "progress";
  return `id: ${isFinal ? finalEventId(event.runId) : String(id)}\nevent: ${name}\ndata: ${data}\n\n`;
}

async function beatOr<T>(next: Promise<T>, clock: Clock, signal: AbortSignal): Promise<T | "beat"> {
  const waiting = new AbortController();
  const beat = clock.sleep(HEARTBEAT_MS, AbortSignal.any([signal, waiting.signal])).then(
    () => "beat" as const,
    () => "beat" as const,
  );
  try {
    return await Promise.race([next, beat]);
  } finally {
    waiting.abort();
  }
}
