import type { Clock } from "@bucketbridge/core";
import type { JobContext, JobProgressView } from "@bucketbridge/queue";

/** People look at a board every few seconds. */
const INTERVAL_MS = 2_000;

/** What a job shows of its run at one moment. */
export interface ProgressSnapshot {
  readonly phase: string;
  readonly view: JobProgressView;
  /** Becomes a log line of the job whenever the phase changes. */
  readonly line: string;
}

/** What a reporter needs. */
export interface ProgressReporterDeps {
  readonly runId: number;
  readonly clock: Clock;
  /** Reads the run as it is now; undefined: it is gone. */
  readonly read: () => Promise<ProgressSnapshot | undefined>;
}

/**
 * Shows the progress of a run on its job while the handler works: counts, rate and ETA every two seconds, and a log line
 * whenever the phase changes. Failures to read are only logged.
 */
export class ProgressReporter {
  readonly #deps: ProgressReporterDeps;
  readonly #context: JobContext;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #phase: string | undefined;

  constructor(deps: ProgressReporterDeps, context: JobContext) {
    this.#deps = deps;
    this.#context = context;
    const { previous } = context;
    this.#phase = typeof previous?.["phase"] === "string" ? previous["phase"] : undefined;
    if (previous === undefined) context.jobLog(`run: /api/v1/runs/${String(deps.runId)}`);
    this.#loop = this.#report();
  }

  /** Stops and shows the run once more, as it is now. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#show();
  }

  async #report(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#show();
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    const { signal } = this.#stop;
    try {
      await this.#deps.clock.sleep(INTERVAL_MS, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #show(): Promise<void> {
    let shown: ProgressSnapshot | undefined;
    try {
      shown = await this.#deps.read();
    } catch (error) {
      this.#context.log.debug({ error }, "run.progress.failed");
    }
    if (shown === undefined) return;
    this.#context.progress(shown.view);
    if (shown.phase !== this.#phase) this.#context.jobLog(shown.line);
    this.#phase = shown.phase;
  }
}
