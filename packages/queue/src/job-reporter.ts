import { redactText, type Logger } from "@bucketbridge/core";
import type { Job } from "bullmq";
import type { JobProgressView } from "./job-table.ts";

/** Lines that wait for a slow server; more are dropped. */
const MAX_PENDING_LINES = 100;

/** One line on the board. */
const MAX_LINE_CHARS = 500;

/**
 * Writes progress and log lines of one job behind the handler's back, one write at a time: a server that is away must
 * neither stop nor fail the work, and a stored job that is gone (a wiped Redis) is no error.
 */
export class JobReporter {
  readonly #job: Pick<Job, "updateProgress" | "log">;
  readonly #log: Logger;
  #progress: JobProgressView | undefined;
  #lines: string[] = [];
  #writing: Promise<void> | undefined;

  constructor(job: Pick<Job, "updateProgress" | "log">, log: Logger) {
    this.#job = job;
    this.#log = log;
  }

  /** Replaces what is not written yet. */
  progress(view: JobProgressView): void {
    this.#progress = view;
    this.#start();
  }

  /** Adds a line with the time in front. */
  line(text: string): void {
    if (this.#lines.length >= MAX_PENDING_LINES) return;
    const safe = redactText(text).slice(0, MAX_LINE_CHARS);
    this.#lines.push(`${new Date().toISOString()} ${safe}`);
    this.#start();
  }

  /** Waits until everything is written, at most `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.#writing === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#writing, deadline]);
    clearTimeout(timer);
  }

  #start(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    for (;;) {
      const view = this.#progress;
      const line = this.#lines.shift();
      this.#progress = undefined;
      if (view === undefined && line === undefined) return;
      try {
        if (view !== undefined) await this.#job.updateProgress(view);
        if (line !== undefined) await this.#job.log(line);
      } catch (error) {
        this.#log.debug({ error }, "queue.job.report.failed");
      }
    }
  }
}
