import type { z } from "zod";

/** The queues. Each belongs to one worker group: `import` and `maintenance` to import, `export` to export (design §8). */
export const QUEUE_NAMES = ["import", "export", "maintenance"] as const;

/** One of {@link QUEUE_NAMES}. */
export type QueueName = (typeof QUEUE_NAMES)[number];

/** How a job is tried and kept. */
export interface JobPolicy {
  readonly attempts: number;
  /** Doubles per attempt up to `capMs`; `jitter` is the random share of each wait. */
  readonly backoff: { readonly delayMs: number; readonly capMs: number; readonly jitter: number };
  /** The handler's signal is aborted after this long. */
  readonly timeoutMs: number;
  readonly keepCompleted: { readonly ageSeconds: number; readonly count: number };
  readonly keepFailed: { readonly ageSeconds: number; readonly count: number };
}

/** BullMQ's deduplication: never a `jobId`, since a retained one silences later rings. */
export interface DedupeRule {
  readonly id: string;
  /** An add while the job is active is stored and runs after it. */
  readonly keepLastIfActive?: boolean;
}

/**
 * One kind of job: its name, queue, payload, result and policy in a single place, imported by producer and consumer.
 * Payloads carry identifiers and a label for people, never rows, credentials, URLs or file contents. New fields are
 * optional; a changed meaning is a new version `v`, which old workers delay instead of failing.
 */
export interface JobContract<
  Name extends string,
  Queue extends QueueName,
  Payload extends z.ZodType,
  Result extends z.ZodType,
> {
  readonly name: Name;
  readonly queue: Queue;
  /** Highest `v` of a payload that this code understands; a job with a newer one is delayed. */
  readonly version: number;
  readonly payload: Payload;
  readonly result: Result;
  readonly policy: JobPolicy;
  readonly dedupe: (payload: z.output<Payload>) => DedupeRule;
}

/** Keeps the precise types of a contract. */
export function defineJob<
  const Name extends string,
  const Queue extends QueueName,
  Payload extends z.ZodType,
  Result extends z.ZodType,
>(contract: JobContract<Name, Queue, Payload, Result>): JobContract<Name, Queue, Payload, Result> {
  return contract;
}
