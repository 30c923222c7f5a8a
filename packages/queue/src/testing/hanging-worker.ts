/** A worker process that takes a job, says so and never ends: something to kill. Argument: backend options as JSON. */
import { silentLogger } from "@bucketbridge/core";
import { createQueueBackend } from "../backends.ts";
import { createWorker } from "../worker-binding.ts";
import { handlersWith } from "./queue-harness.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as { redisUrl?: string; databaseUrl?: string };
const backend = createQueueBackend({ ...options, log: silentLogger });
createWorker(
  "import",
  handlersWith({
    "import.run": () => {
      process.send?.("taken");
      return new Promise(() => undefined);
    },
  }),
  { backend, concurrency: 1, log: silentLogger, lockMs: 1_000, stalledIntervalMs: 200 },
);
