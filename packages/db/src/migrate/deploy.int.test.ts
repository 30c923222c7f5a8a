import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret, silentLogger } from "@bucketbridge/core";
import { makeRecordingLogger } from "@bucketbridge/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withPgClient } from "../client.ts";
import { holdLock } from "../testing/hold-lock.ts";
import { useTestDatabase } from "../testing/test-database.ts";
import { deployMigrations } from "./deploy.ts";
import { readMigrationStatus } from "./status.ts";

const test = useTestDatabase("migrate");
const OPTIONS = { lockTimeoutMs: 20_000, log: silentLogger };
const url = (): Secret => new Secret(test.url);
let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "bucketbridge-migrations-"));
  await test.look("DROP TABLE IF EXISTS _prisma_migrations, first, second, third");
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function write(name: string, sql: string): Promise<void> {
  await mkdir(join(directory, name), { recursive: true });
  await writeFile(join(directory, name, "migration.sql"), sql);
}

const tables = async (): Promise<string[]> => {
  const rows = await test.look<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relname IN ('first', 'second', 'third') AND relkind = 'r' ORDER BY 1",
  );
  return rows.map(({ name }) => name);
};

describe("deployMigrations", () => {
  it("applies what is pending in order, once", async () => {
    await write("2_second", "CREATE TABLE second (a int REFERENCES first);");
    await write("1_first", "CREATE TABLE first (a int PRIMARY KEY);");
    await writeFile(join(directory, "migration_lock.toml"), 'provider = "postgresql"\n');
    expect(await deployMigrations(url(), directory, OPTIONS)).toEqual({
      applied: ["1_first", "2_second"],
      edited: [],
      unknown: [],
    });
    expect(await deployMigrations(url(), directory, OPTIONS)).toEqual({
      applied: [],
      edited: [],
      unknown: [],
    });
    await write("3_third", "CREATE TABLE third ();");
    expect((await deployMigrations(url(), directory, OPTIONS)).applied).toEqual(["3_third"]);
    expect(await tables()).toEqual(["first", "second", "third"]);
  });

  it("applies each migration once when three processes start together", async () => {
    await write("1_first", "CREATE TABLE first (); SELECT pg_sleep(0.2);");
    await write("2_second", "CREATE TABLE second ();");
    const results = await Promise.all(
      [1, 2, 3].map(() => deployMigrations(url(), directory, OPTIONS)),
    );
    expect(results.flatMap(({ applied }) => applied).toSorted()).toEqual(["1_first", "2_second"]);
    expect(await test.look("SELECT FROM _prisma_migrations")).toHaveLength(2);
  });

  it("keeps nothing of a migration that fails, and blocks until a person retries", async () => {
    await write("1_first", "CREATE TABLE first (); CREATE TABLE second (); SELECT 1/0;");
    await write("2_third", "CREATE TABLE third ();");
    const failed = { code: "precondition_failed", reason: "db.migration_failed" };
    await expect(deployMigrations(url(), directory, OPTIONS)).rejects.toMatchObject(failed);
    expect(await tables()).toEqual([]);
    await expect(deployMigrations(url(), directory, OPTIONS)).rejects.toThrow(
      /1_first failed earlier \(division by zero\)/,
    );
    expect(await readMigrationStatus(url(), directory)).toMatchObject({
      failed: ["1_first"],
      pending: ["2_third"],
    });
    await write("1_first", "CREATE TABLE first ();");
    const retried = await deployMigrations(url(), directory, { ...OPTIONS, retryFailed: true });
    expect(retried.applied).toEqual(["1_first", "2_third"]);
    expect(await tables()).toEqual(["first", "third"]);
  });

  it("reports a file that was edited after it was applied, and one that this build does not know", async () => {
    await write("1_first", "CREATE TABLE first ();");
    await write("2_second", "CREATE TABLE second ();");
    await deployMigrations(url(), directory, OPTIONS);
    await write("1_first", "CREATE TABLE first (a int);");
    await rm(join(directory, "2_second"), { recursive: true });
    const log = makeRecordingLogger();
    expect(await deployMigrations(url(), directory, { ...OPTIONS, log })).toEqual({
      applied: [],
      edited: ["1_first"],
      unknown: ["2_second"],
    });
    expect(log.find("db.migration.edited")).toHaveLength(1);
    expect(log.find("db.migration.unknown")).toHaveLength(1);
  });

  it("waits for Prisma's own lock no longer than it may", async () => {
    await write("1_first", "CREATE TABLE first ();");
    const release = await holdLock(test.url, 72_707_369);
    const waiting = deployMigrations(url(), directory, { ...OPTIONS, lockTimeoutMs: 100 });
    await expect(waiting).rejects.toMatchObject({ code: "timeout" });
    await release();
    expect((await deployMigrations(url(), directory, OPTIONS)).applied).toEqual(["1_first"]);
  });

  it("applies a file that cannot run inside a transaction", async () => {
    await write("1_first", "CREATE TABLE first (a int);");
    await write("2_index", "CREATE INDEX CONCURRENTLY first_a ON first (a);");
    expect((await deployMigrations(url(), directory, OPTIONS)).applied).toEqual([
      "1_first",
      "2_index",
    ]);
  });

  it("fills the table as Prisma does", async () => {
    await write("1_first", "CREATE TABLE first ();");
    await deployMigrations(url(), directory, OPTIONS);
    const row = await test.one(
      "SELECT checksum, migration_name, applied_steps_count, rolled_back_at, logs FROM _prisma_migrations",
    );
    expect(row).toEqual({
      // sha256sum of the file
      checksum: "0ae7fcf53c6282a1762c9dc5eb8f988ae1d3e7ca0a1354ffb63b90aa152008e7",
      migration_name: "1_first",
      applied_steps_count: 1,
      rolled_back_at: null,
      logs: null,
    });
  });
});

describe("readMigrationStatus", () => {
  it("changes nothing in a database that was never migrated", async () => {
    await write("1_first", "CREATE TABLE first ();");
    expect(await readMigrationStatus(url(), directory)).toEqual({
      applied: [],
      pending: ["1_first"],
      failed: [],
      edited: [],
      unknown: [],
    });
    await withPgClient(url(), async (client) => {
      const found = await client.query("SELECT to_regclass('_prisma_migrations') AS name");
      expect(found.rows).toEqual([{ name: null }]);
    });
  });
});
