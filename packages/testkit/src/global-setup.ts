import type { TestProject } from "vitest/node";
import { findRedis, type FoundRedis } from "./redis.ts";
import { startTestCluster, type TemplateInfo, type TestCluster } from "./test-cluster.ts";

declare module "vitest" {
  interface ProvidedContext {
    databaseTemplate: TemplateInfo;
    /** Empty: no Redis, BullMQ runs on PostgreSQL. */
    redisUrl: string;
  }
}

let cluster: TestCluster | undefined;
let redis: FoundRedis | undefined;

/** Vitest calls this once before the integration tests. */
export async function setup(project: TestProject): Promise<void> {
  [cluster, redis] = await Promise.all([startTestCluster(), findRedis()]);
  const { adminUrl, role, password, template, keepDir } = cluster;
  project.provide("databaseTemplate", { adminUrl, role, password, template, keepDir });
  project.provide("redisUrl", redis?.url ?? "");
  process.stderr.write(
    `queue backend of this run: ${redis === undefined ? "PostgreSQL" : `Redis (${redis.source})`}\n`,
  );
}

/** Vitest calls this once at the end, also after failures. */
export async function teardown(): Promise<void> {
  await Promise.all([cluster?.stop(), redis?.stop()]);
}
