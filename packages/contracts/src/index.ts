export {
  defineJob,
  QUEUE_NAMES,
  type DedupeRule,
  type JobContract,
  type JobPolicy,
  type QueueName,
} from "./job.ts";
export { jobs, type JobName, type PayloadOf, type ResultOf } from "./jobs/catalog.ts";
export { importLabel, importLoad, importRun } from "./jobs/import.ts";
export {
  isFinalState,
  RUN_KINDS,
  RUN_STATES,
  runKind,
  runState,
  type RunKind,
  type RunState,
} from "./run.ts";
