import type { JobName, jobs, PayloadOf, QueueName, ResultOf } from "@bucketbridge/contracts";
import type { Logger } from "@bucketbridge/core";

/** Place of a job that no handler has given one: before all others. */
export const FRESH_PLACE = 1;

/** What a handler returns to give its slot back: the same job runs again, behind those that wait. */
export class Yield {
  readonly delayMs: number;
  /** New place in the order of the queue, lower first, 2 at least; undefined keeps it. */
  readonly place: number | undefined;

  constructor(options: { readonly delayMs: number; readonly place?: number | undefined }) {
    this.delayMs = options.delayMs;
    this.place = options.place;
  }
}

/** What people see of a job while it runs: plain values, no secrets. */
export type JobProgressView = Readonly<Record<string, string | number | boolean | null>>;

/** What a handler gets besides its payload. */
export interface JobContext {
  /**
   * Joins the job's deadline and the shutdown of the process; its reason is an `AppError` (`timeout` or `canceled`).
   * A handler that ends with `canceled` after a shutdown loses nothing: another worker gets the job at once.
   */
  readonly signal: AbortSignal;
  /** 1 at first; yields do not count. */
  readonly attempt: number;
  /** The job's place in the order of the queue; undefined while no handler has given it one. */
  readonly place: number | undefined;
  /** What the turn before showed last; undefined at first. */
  readonly previous: JobProgressView | undefined;
  /** For operators; carries the job's id. */
  readonly log: Logger;
  /** Shows where the job stands. Never waits and never fails; of many calls the last one counts. */
  progress(view: JobProgressView): void;
  /** Adds a line that people read on the board. Never waits and never fails. */
  jobLog(line: string): void;
}

/** Does one job. A thrown `AppError` is treated as its retry advice says, any other error as `internal`. */
export type JobHandler<Name extends JobName> = (
  payload: PayloadOf<Name>,
  context: JobContext,
) => Promise<ResultOf<Name> | Yield>;

/** Names of the jobs of a queue. */
export type JobNameOf<Queue extends QueueName> = {
  [Name in JobName]: (typeof jobs)[Name]["queue"] extends Queue ? Name : never;
}[JobName];

/** A handler for every job of a queue: a missing one, a foreign one or a wrong result does not compile. */
export type JobHandlers<Queue extends QueueName> = [JobNameOf<Queue>] extends [never]
  ? Readonly<Record<string, never>>
  : { readonly [Name in JobNameOf<Queue>]: JobHandler<Name> };
