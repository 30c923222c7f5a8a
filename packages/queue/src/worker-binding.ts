import { hostname } from "node:os";
import type { QueueName } from "@bucketbridge/contracts";
import { AppError, type Logger } from "@bucketbridge/core";
import { DelayedError, UnrecoverableError, type Job, type Worker } from "bullmq";
import type { QueueBackend } from "./backend.ts";
import type { JobHandlers } from "./job-table.ts";
import {
  findContract,
  runTurn,
  type HandlerTable,
  type TurnEnd,
  type TurnResult,
} from "./job-turn.ts";
import { backoffOf } from "./retry-mapping.ts";

/** A job's lock, renewed at half of it. A lost one only means that the job runs again. */
const LOCK_MS = 60_000;

/** How often one worker looks for jobs whose worker died. Short: such a job silences the rings of its run. */
const STALLED_INTERVAL_MS = 5_000;

/** A stall says nothing about the run. */
const MAX_STALLED_COUNT = 1_000;

/** Between putting a job back and giving it a new place. */
const PROMOTE_DELAY_MS = 1_000;

/** Between attempts to talk to the server about a job that has ended. */
const SETTLE_RETRY_MS = 1_000;

/** One turn of a job, for metrics. */
export interface TurnReport {
  readonly job: string;
  readonly end: TurnEnd;
  readonly seconds: number;
}

/** What a worker needs besides its handlers. */
export interface WorkerBindingOptions {
  readonly backend: QueueBackend;
  /** Jobs at once. */
  readonly concurrency: number;
  readonly log: Logger;
  readonly onTurn?: ((report: TurnReport) => void) | undefined;
  /** For tests: the time after which the job of a dead worker runs again. */
  readonly lockMs?: number | undefined;
  readonly stalledIntervalMs?: number | undefined;
}

/** A running worker of one queue. */
export interface WorkerBinding {
  readonly queue: QueueName;
  /** Resolves when the server has answered for the first time. */
  ready(): Promise<void>;
  /**
   * Fetches nothing more, aborts the handlers' signals and waits for them, at most `graceMs`. True when all ended;
   * otherwise their jobs run again elsewhere once their locks expire. Idempotent.
   */
  close(graceMs: number): Promise<boolean>;
}

/** Starts a worker whose table has a handler for every job of `queue`. */
export function createWorker<Queue extends QueueName>(
  queue: Queue,
  handlers: JobHandlers<Queue>,
  options: WorkerBindingOptions,
): WorkerBinding {
  return new Binding(queue, handlers as HandlerTable, options);
}

class Binding implements WorkerBinding {
  readonly queue: QueueName;
  readonly #handlers: HandlerTable;
  readonly #options: WorkerBindingOptions;
  readonly #worker: Worker;
  readonly #stop = new AbortController();
  #closing: Promise<boolean> | undefined;

  constructor(queue: QueueName, handlers: HandlerTable, options: WorkerBindingOptions) {
    this.queue = queue;
    this.#handlers = handlers;
    this.#options = options;
    this.#worker = options.backend.openWorker(queue, (job, token) => this.#process(job, token), {
      name: `${hostname()}-${String(process.pid)}`,
      concurrency: options.concurrency,
      lockDuration: options.lockMs ?? LOCK_MS,
      stalledInterval: options.stalledIntervalMs ?? STALLED_INTERVAL_MS,
      maxStalledCount: MAX_STALLED_COUNT,
      runRetryDelay: SETTLE_RETRY_MS,
      settings: {
        backoffStrategy: (attemptsMade, _type, _error, job) => {
          const contract = findContract(job?.name);
          return contract === undefined
            ? SETTLE_RETRY_MS
            : backoffOf(contract.policy, attemptsMade);
        },
      },
    });
    this.#worker.on("stalled", (jobId: string) => {
      options.log.info({ queue, jobId }, "queue.job.stalled");
    });
  }

  async ready(): Promise<void> {
    await this.#worker.waitUntilReady();
  }

  close(graceMs: number): Promise<boolean> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<boolean> {
    const closed = this.#worker.close().then(() => true);
    this.#stop.abort(
      new AppError({ code: "canceled", message: "the worker shuts down", op: "queue.close" }),
    );
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, graceMs, false);
    });
    const isClean = await Promise.race([closed, deadline]);
    clearTimeout(timer);
    if (!isClean) this.#options.log.warn({ queue: this.queue, graceMs }, "queue.close.late");
    return isClean;
  }

  async #process(job: Job, token: string | undefined): Promise<unknown> {
    const startedAt = performance.now();
    const log = this.#options.log.child({ job: job.name, jobId: job.id });
    const result = await runTurn(job, {
      handlers: this.#handlers,
      log,
      stop: this.#stop.signal,
    });
    const seconds = (performance.now() - startedAt) / 1_000;
    this.#options.onTurn?.({ job: job.name, end: result.end, seconds });
    return settle(job, { token, result, kind: this.#options.backend.kind, log });
  }
}

/** Tells BullMQ what to do with a job: returns its value, or throws the error that means it. */
async function settle(job: Job, turn: EndedTurn): Promise<unknown> {
  const { result } = turn;
  switch (result.end) {
    case "completed":
      return result.value;
    case "failed":
      throw onlyText(new UnrecoverableError(result.text));
    case "retried":
      throw onlyText(new AppError({ code: "internal", message: result.text }));
    case "delayed":
    case "yielded":
    case "unknown":
      try {
        await putBack(job, { ...turn, delayMs: result.delayMs, place: result.place });
      } catch (error) {
        // The lock is lost or the server has forgotten the job: somebody else has it, or the sweep rings anew.
        turn.log.info({ error }, "queue.job.lost");
      }
      throw new DelayedError();
  }
}

interface EndedTurn {
  readonly token: string | undefined;
  readonly result: TurnResult;
  readonly kind: QueueBackend["kind"];
  readonly log: Logger;
}

/** Keeps the job's row and lets those that wait go first. `moveToWait` would come before them. */
async function putBack(
  job: Job,
  options: EndedTurn & { readonly delayMs: number; readonly place: number | undefined },
): Promise<void> {
  const { token, kind, place } = options;
  // PostgreSQL takes whole milliseconds only: a fraction would leave the job active until its lock expires.
  const delayMs = Math.ceil(options.delayMs);
  if (place !== undefined && place !== job.priority) await job.changePriority({ priority: place });
  if (kind === "redis" || delayMs > 0) {
    await job.moveToDelayed(Date.now() + delayMs, token);
    return;
  }
  // BullMQ 6.7.0 on PostgreSQL: a delayed job comes back to its old place, before jobs that were added later; only
  // `promote` gives it a new one. The delay covers a process that dies in between.
  await job.moveToDelayed(Date.now() + PROMOTE_DELAY_MS, token);
  await job.promote();
}

/** The board shows stacks: the text is enough for people, and paths of the server are nobody's business. */
function onlyText<E extends Error>(error: E): E {
  error.stack = error.message;
  return error;
}
