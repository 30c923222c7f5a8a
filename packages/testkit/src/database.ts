import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, inject, type RunnerTask, type RunnerTestFile } from "vitest";
import { AppError } from "@bucketbridge/core";
import { copyDatabase, dropDatabase } from "@bucketbridge/db/embedded";

/** A migrated, empty database that belongs to one test file. */
export interface TestDatabase {
  readonly name: string;
  /** Log in as the ordinary role, as api and workers do. */
  readonly url: string;
  /** Log in as superuser: no policies, for looking and for faults. */
  readonly adminUrl: string;
  /** Drops the database and cuts its connections. */
  drop(): Promise<void>;
}

/** Copies the template, about 0.1 s. Only in integration tests. Prefer {@link useDatabase}, which also tidies up. */
export async function cloneDatabase(name: string): Promise<TestDatabase> {
  const { adminUrl, role, password, template } = inject("databaseTemplate");
  const database = `${name.replace(/[^a-z0-9]+/gi, "_").toLowerCase()}_${randomBytes(3).toString("hex")}`;
  await copyDatabase(adminUrl, { template, database, owner: role });
  return {
    name: database,
    url: withDatabase(adminUrl, database, { role, password }),
    adminUrl: withDatabase(adminUrl, database),
    drop: () => dropDatabase(adminUrl, database),
  };
}

/**
 * Gives the file (or the `describe`) a database of its own: made before its first test, dropped after its last, kept
 * and named when one failed. Call the returned function inside hooks and tests.
 */
export function useDatabase(name: string): () => TestDatabase {
  let database: TestDatabase | undefined;
  beforeAll(async () => {
    database = await cloneDatabase(name);
  });
  // eslint-disable-next-line no-empty-pattern -- vitest reads the text of the parameter
  afterAll(async ({}, suite) => {
    if (database === undefined) return;
    if (hasFailed(suite)) keep(database);
    else await database.drop();
  });
  return () => {
    if (database !== undefined) return database;
    throw new AppError({ code: "internal", message: "useDatabase(): asked before beforeAll ran" });
  };
}

/** URL of the Redis of this run; `undefined`: run BullMQ on PostgreSQL. Only in integration tests. */
export function testRedisUrl(): string | undefined {
  const url = inject("redisUrl");
  return url === "" ? undefined : url;
}

function withDatabase(
  adminUrl: string,
  database: string,
  login?: { role: string; password: string },
): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  if (login !== undefined) {
    url.username = login.role;
    url.password = login.password;
  }
  return url.href;
}

function hasFailed(task: RunnerTask | RunnerTestFile): boolean {
  if (task.result?.state === "fail") return true;
  return "tasks" in task && task.tasks.some(hasFailed);
}

function keep(database: TestDatabase): void {
  fs.writeFileSync(path.join(inject("databaseTemplate").keepDir, database.name), "");
}
