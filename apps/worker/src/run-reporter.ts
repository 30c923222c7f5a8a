import type { Clock, Logger } from "@bucketbridge/core";
import type { JobContext } from "@bucketbridge/queue";
import { RateWindow, type RunRef } from "@bucketbridge/sync";
import type { RunView, RunViews } from "./ports.ts";

/** People look at a board every few seconds. */
const INTERVAL_MS = 2_000;

/** What a reporter needs. */
export interface RunReporterDeps {
  readonly views: RunViews;
  readonly clock: Clock;
}

/**
 * Shows the progress of a run on its job while the handler works: counts, rate and ETA every two seconds, and a log line
 * whenever the phase changes. Failures to read are only logged.
 */
export class RunReporter {
  readonly #deps: RunReporterDeps;
  readonly #run: RunRef;
  readonly #context: JobContext;
  readonly #rate = new RateWindow();
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #phase: string | undefined;

  constructor(deps: RunReporterDeps, run: RunRef, context: JobContext) {
    this.#deps = deps;
    this.#run = run;
    this.#context = context;
    const { previous } = context;
    this.#phase = typeof previous?.["phase"] === "string" ? previous["phase"] : undefined;
    if (previous === undefined) context.jobLog(`run: /api/v1/runs/${String(run.runId)}`);
    this.#loop = this.#report();
  }

  /** Stops and shows the run once more, as it is now. Gives what it read; undefined: the run is gone or unreadable. */
  async stop(): Promise<RunView | undefined> {
    this.#stop.abort();
    await this.#loop;
    return this.#show();
  }

  async #report(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#show();
      await sleep(this.#deps.clock, this.#stop.signal);
    }
  }

  async #show(): Promise<RunView | undefined> {
    const { views, clock } = this.#deps;
    let view: RunView | undefined;
    try {
      view = await views.find(this.#run.organizationId, this.#run.runId);
    } catch (error) {
      logUnreadable(this.#context.log, error);
    }
    if (view === undefined) return undefined;
    const { phase, listed, created, failed, pending, tasks } = view;
    const rate = this.#rate.add({ phase, listed, pending, atMs: clock.now() });
    const { perSecond, etaSeconds } = rate;
    this.#context.progress({
      phase,
      listed,
      new: created,
      failed,
      pending,
      tasks,
      perSecond,
      etaSeconds,
    });
    if (phase !== this.#phase) this.#context.jobLog(toLine(view));
    this.#phase = phase;
    return view;
  }
}

function toLine({ phase, state, listed, created, known, tasks, failed, pending }: RunView): string {
  const counts = [
    `${String(listed)} listed`,
    `${String(created)} new`,
    `${String(known)} known`,
    `${String(tasks)} tasks`,
    `${String(failed)} failed`,
    `${String(pending)} pending`,
  ];
  return `${phase === "final" ? state : phase}: ${counts.join(", ")}`;
}

function logUnreadable(log: Logger, error: unknown): void {
  log.debug({ error }, "import.progress.failed");
}

async function sleep(clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(INTERVAL_MS, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
