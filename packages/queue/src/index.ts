export {
  createQueueBackend,
  migrateQueueTables,
  type QueueBackendOptions,
  type SessionClient,
} from "./backends.ts";
export type { QueueBackend } from "./backend.ts";
export { openBoard, type Board, type BoardQueue } from "./board.ts";
export { countJobs, type JobCount, type JobCountState } from "./job-counts.ts";
export {
  Yield,
  type JobContext,
  type JobHandler,
  type JobHandlers,
  type JobProgressView,
} from "./job-table.ts";
export { createProducer, RING_TIMEOUT_MS, type Producer, type RingCounts } from "./producer.ts";
export {
  createWorker,
  type TurnReport,
  type WorkerBinding,
  type WorkerBindingOptions,
} from "./worker-binding.ts";
export type { TurnEnd } from "./job-turn.ts";
