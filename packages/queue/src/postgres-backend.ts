import type { Logger } from "@bucketbridge/core";
import {
  createPostgresBackend,
  Queue,
  Worker,
  type BackendFactory,
  type ConnectionOptions,
  type RedisQueueBackend,
} from "bullmq";
import type { QueueBackend } from "./backend.ts";
import { logErrors } from "./connection-log.ts";

/** The same database has other users, and each queue or worker has a pool of its own. */
const QUEUE_CONNECTIONS = 2;
const WORKER_CONNECTIONS = 4;

/** Connecting to a database that is away must not take a request with it. */
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * BullMQ's own tables in PostgreSQL (schema `bullmq`, made by `migrateQueueTables`): for one machine without Redis.
 * Opened queues and workers need the tables when they are first used.
 */
export function openPostgresBackend(databaseUrl: string, log: Logger): QueueBackend {
  const connection = (max: number): ConnectionOptions => {
    const pool = {
      connectionString: databaseUrl,
      max,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      application_name: "bucketbridge-queue",
    };
    // BullMQ types the connection by the class parameters of Redis; the factory below takes this shape.
    return pool;
  };
  const factory = createPostgresBackend as unknown as BackendFactory<RedisQueueBackend>;
  return {
    kind: "postgres",
    openQueue(name, use) {
      const options = {
        connection: connection(QUEUE_CONNECTIONS),
        skipMetasUpdate: use === "read",
      };
      const queue = new Queue(name, options, factory);
      logErrors(queue, log, "queue.error");
      return queue;
    },
    openWorker(name, process, options) {
      const worker = new Worker(
        name,
        process,
        { ...options, connection: connection(WORKER_CONNECTIONS) },
        factory,
      );
      logErrors(worker, log, "queue.worker.error");
      return worker;
    },
    // Each call connects by itself.
    whenReady: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
