import {
  jobs,
  type JobName,
  type JobPolicy,
  type PayloadOf,
  type QueueName,
} from "@bucketbridge/contracts";
import { AppError, redactText, type Logger } from "@bucketbridge/core";
import type { Queue } from "bullmq";
import type { QueueBackend } from "./backend.ts";
import { FRESH_PLACE } from "./job-table.ts";
import { CAPPED_BACKOFF } from "./retry-mapping.ts";

/** A ring waits no longer than this for the server: the database holds the truth and the sweep rings again. */
export const RING_TIMEOUT_MS = 250;

/** Bytes of a job's data: ids and a label need a tenth of it. */
const MAX_PAYLOAD_BYTES = 4_096;

/** Log lines that are kept per job. */
const MAX_LOG_LINES = 500;

/** Rings and rings that failed, since the process started. */
export interface RingCounts {
  readonly rung: number;
  readonly failed: number;
}

/** Wakes workers. One per process. */
export interface Producer {
  /**
   * Hands a job to the queue, after the commit of what it is about. Never rejects and never takes longer than
   * `RING_TIMEOUT_MS`: false when the server did not confirm in time, which is logged and counted. A ring whose job is
   * still waiting, delayed or active does nothing. A new job comes before all others until its handler gives it a place.
   */
  ring<Name extends JobName>(name: Name, payload: PayloadOf<Name>): Promise<boolean>;
  counts(): RingCounts;
  /** Ends the queues; later rings fail. Idempotent. */
  close(): Promise<void>;
}

/** A producer on `backend`, which stays open when the producer closes. Connects at once, opens a queue when it is rung. */
export function createProducer(backend: QueueBackend, log: Logger): Producer {
  backend.whenReady("ring").catch((error: unknown) => {
    log.debug({ error }, "queue.producer.away");
  });
  return new BoundedProducer(backend, log);
}

class BoundedProducer implements Producer {
  readonly #backend: QueueBackend;
  readonly #log: Logger;
  readonly #queues = new Map<QueueName, Queue>();
  /** Queues that have answered once; the PostgreSQL backend remembers a failed first connection for ever. */
  readonly #proven = new Set<Queue>();
  #rung = 0;
  #failed = 0;
  #isClosed = false;

  constructor(backend: QueueBackend, log: Logger) {
    this.#backend = backend;
    this.#log = log;
  }

  async ring<Name extends JobName>(name: Name, payload: PayloadOf<Name>): Promise<boolean> {
    try {
      await withDeadline(this.#add(name, payload), RING_TIMEOUT_MS);
      this.#rung++;
      return true;
    } catch (error) {
      this.#failed++;
      const message = error instanceof Error ? redactText(error.message) : "unknown error";
      this.#log.warn({ job: name, message }, "queue.ring.failed");
      return false;
    }
  }

  counts(): RingCounts {
    return { rung: this.#rung, failed: this.#failed };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const queues = [...this.#queues.values()];
    this.#queues.clear();
    await Promise.allSettled(queues.map((queue) => queue.close()));
  }

  async #add(name: JobName, input: unknown): Promise<void> {
    const contract = jobs[name];
    const payload = contract.payload.parse(input);
    const { attempts, keepCompleted, keepFailed } = contract.policy;
    const queue = this.#open(contract.queue);
    try {
      await this.#backend.whenReady("ring");
      await queue.add(name, payload, {
        // Each contract's own payload has just been parsed by it; the union of all is what TypeScript sees.
        deduplication: { ...contract.dedupe(payload as never) },
        priority: FRESH_PLACE,
        attempts,
        backoff: { type: CAPPED_BACKOFF },
        removeOnComplete: toRetention(keepCompleted),
        removeOnFail: toRetention(keepFailed),
        keepLogs: MAX_LOG_LINES,
        sizeLimit: MAX_PAYLOAD_BYTES,
      });
      this.#proven.add(queue);
    } catch (error) {
      this.#dropUnproven(contract.queue, queue);
      throw error;
    }
  }

  #open(name: QueueName): Queue {
    if (this.#isClosed) {
      throw new AppError({ code: "canceled", message: "the producer is closed", op: "queue.ring" });
    }
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const queue = this.#backend.openQueue(name, "ring");
    this.#queues.set(name, queue);
    return queue;
  }

  #dropUnproven(name: QueueName, queue: Queue): void {
    if (this.#proven.has(queue) || this.#queues.get(name) !== queue) return;
    this.#queues.delete(name);
    void queue.close().catch((error: unknown) => {
      this.#log.debug({ error }, "queue.close.failed");
    });
  }
}

/** A job that is not kept goes alone: on PostgreSQL a count of 0 would take every other ended job of the queue with it. */
function toRetention(keep: JobPolicy["keepCompleted"]): true | { age: number; count: number } {
  return keep.count === 0 ? true : { age: keep.ageSeconds, count: keep.count };
}

/** Rejects with `timeout` after `timeoutMs`; what `work` comes to later is ignored. */
async function withDeadline(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `the queue's server did not answer within ${String(timeoutMs)} ms`;
      reject(new AppError({ code: "timeout", message, op: "queue.ring" }));
    }, timeoutMs);
  });
  try {
    await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
