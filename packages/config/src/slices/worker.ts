import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { list, wholeNumber } from "../texts.ts";

/** Groups of queues; a worker process serves one group or all (design §8). */
export const WORKER_GROUPS = ["import", "export"] as const;

/** One of {@link WORKER_GROUPS}. */
export type WorkerGroup = (typeof WORKER_GROUPS)[number];

const groups = list
  .refine(
    (words) => words.length > 0 && words.every((word) => word === "all" || isGroup(word)),
    "must name import, export or all",
  )
  .transform((words): readonly WorkerGroup[] =>
    words.includes("all") ? WORKER_GROUPS : words.filter(isGroup),
  );

/** What a worker process works on. */
export const workerSlice = defineSlice({
  name: "worker",
  schema: z.object({
    groups,
    concurrency: wholeNumber(1, 100),
    outageMs: wholeNumber(1, 3_600).transform((seconds) => seconds * 1_000),
    healthPort: wholeNumber(0, 65_535),
    healthHost: z.string(),
  }),
  variables: {
    groups: {
      env: "BUCKETBRIDGE_WORKER_QUEUES",
      default: "all",
      meaning: "queues of this worker process: import, export or all",
    },
    concurrency: {
      env: "BUCKETBRIDGE_WORKER_CONCURRENCY",
      default: "4",
      meaning: "jobs that one worker process works on at a time",
    },
    outageMs: {
      env: "BUCKETBRIDGE_OUTAGE_SECONDS",
      default: "60",
      meaning: "seconds that a run waits for a store that answers nobody before it ends as failed",
    },
    healthPort: {
      env: "BUCKETBRIDGE_WORKER_PORT",
      default: "8081",
      meaning: "port of the worker's /livez, /readyz, /metrics and /version; 0 takes a free one",
    },
    healthHost: {
      env: "BUCKETBRIDGE_WORKER_HOST",
      default: "127.0.0.1",
      meaning: "address of the worker's health port",
    },
  },
});

function isGroup(word: string): word is WorkerGroup {
  return (WORKER_GROUPS as readonly string[]).includes(word);
}
