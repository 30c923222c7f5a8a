import type { Logger } from "@bucketbridge/core";
import { Queue, Worker } from "bullmq";
import type { QueueBackend, QueueUse } from "./backend.ts";
import { logErrors } from "./connection-log.ts";
import { RedisLink, type LinkOptions } from "./redis-link.ts";

/** Our keys among those of others. Never ioredis' own `keyPrefix`, which BullMQ's scripts do not know. */
const PREFIX = "bucketbridge";

/** A ring gives up before its caller does; a board page may take longer. */
const COMMAND_TIMEOUT_MS: Readonly<Record<QueueUse, number>> = { ring: 240, read: 5_000 };

/** Redis through ioredis: one connection per use, one for all workers (each has one more that blocks). */
export function openRedisBackend(url: string, log: Logger): QueueBackend {
  const links = new Map<QueueUse | "work", RedisLink>();
  const linkFor = (use: QueueUse | "work"): RedisLink => {
    const known = links.get(use);
    if (known !== undefined) return known;
    const link = new RedisLink(url, linkOptions(use), log.child({ use }));
    links.set(use, link);
    return link;
  };
  return {
    kind: "redis",
    openQueue(name, use) {
      const queue = new Queue(name, {
        connection: linkFor(use).redis,
        prefix: PREFIX,
        // Without these two a queue that is opened while Redis is down waits, or stays broken for ever.
        skipWaitingForReady: true,
        skipVersionCheck: true,
        skipMetasUpdate: use === "read",
      });
      logErrors(queue, log, "queue.error");
      return queue;
    },
    openWorker(name, process, options) {
      const connection = linkFor("work").redis;
      const worker = new Worker(name, process, { ...options, connection, prefix: PREFIX });
      logErrors(worker, log, "queue.worker.error");
      return worker;
    },
    whenReady: (use) => linkFor(use).whenReady(),
    close() {
      for (const link of links.values()) link.disconnect();
      return Promise.resolve();
    },
  };
}

function linkOptions(use: QueueUse | "work"): LinkOptions {
  const shared: LinkOptions = {
    connectionName: `${PREFIX}-${use}`,
    connectTimeout: 5_000,
    retryStrategy: (times) => Math.min(50 * 2 ** times, 2_000),
  };
  if (use === "work") return { ...shared, maxRetriesPerRequest: null };
  return {
    ...shared,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
    commandTimeout: COMMAND_TIMEOUT_MS[use],
  };
}
