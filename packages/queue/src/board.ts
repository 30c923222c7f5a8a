import { QUEUE_NAMES, type QueueName } from "@bucketbridge/contracts";
import { redact } from "@bucketbridge/core";
import type { Queue } from "bullmq";
import type { QueueBackend } from "./backend.ts";

/** One queue as the board shows it. `queue` is what Bull Board's adapter takes. */
export interface BoardQueue {
  readonly name: QueueName;
  readonly description: string;
  readonly queue: Queue;
}

/** What the board reads, and how it calls things. */
export interface Board {
  readonly queues: readonly BoardQueue[];
  /** "import · s3 cats-bucket · run 17", or undefined for data without a label. */
  title(data: unknown): string | undefined;
  /** Path of the run's page in the API, or undefined. */
  href(data: unknown): string | undefined;
  /** Data, result or progress of a job with everything that looks secret removed. */
  redact(value: unknown): unknown;
  /** Ends the queues; the backend stays open. */
  close(): Promise<void>;
}

const DESCRIPTIONS: Readonly<Record<QueueName, string>> = {
  import: "runs of sources and their load slots",
  export: "deliveries of targets",
  maintenance: "purges and retention",
};

/** Opens every queue for reading. The board itself must be read-only: jobs are bells, the truth stands in the database. */
export function openBoard(backend: QueueBackend): Board {
  const queues = QUEUE_NAMES.map((name) => ({
    name,
    description: DESCRIPTIONS[name],
    queue: backend.openQueue(name, "read"),
  }));
  return {
    queues,
    title(data) {
      const label = fieldOf(data, "label");
      return typeof label === "string" ? label : undefined;
    },
    href(data) {
      const runId = fieldOf(data, "runId");
      return typeof runId === "number" ? `/api/v1/runs/${String(runId)}` : undefined;
    },
    redact: (value) => redact(value),
    async close() {
      await Promise.allSettled(queues.map(({ queue }) => queue.close()));
    },
  };
}

function fieldOf(data: unknown, name: string): unknown {
  if (typeof data !== "object" || data === null) return undefined;
  return (data as Readonly<Record<string, unknown>>)[name];
}
