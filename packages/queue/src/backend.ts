import type { QueueName } from "@bucketbridge/contracts";
import type { Processor, Queue, Worker, WorkerOptions } from "bullmq";

/**
 * Who opens a queue. `ring` fails at once when the server is away and never waits long; `read` (board, counts) fails
 * at once too, but gives an answer more time.
 */
export type QueueUse = "ring" | "read";

/** What a backend needs of the options of a worker; the rest it knows itself. */
export type BackendWorkerOptions = Omit<WorkerOptions, "connection" | "prefix">;

/**
 * The connections of one process to the server that keeps the jobs. Made once per process and shared by producer,
 * workers and board. Everything opened through it is used only before `close`.
 */
export interface QueueBackend {
  readonly kind: "redis" | "postgres";
  /** A queue on the shared connection of its use. The caller closes it; opening never fails and never waits. */
  openQueue(name: QueueName, use: QueueUse): Queue;
  /** A worker that starts to fetch at once and waits for the server as long as it takes. The caller closes it. */
  openWorker(name: QueueName, process: Processor, options: BackendWorkerOptions): Worker;
  /**
   * Resolves when the server of that use takes commands; waits while the first connection is being made, rejects with
   * `unavailable` during an outage.
   */
  whenReady(use: QueueUse): Promise<void>;
  /** Ends the shared connections without waiting for commands that are on their way. Idempotent. */
  close(): Promise<void>;
}
