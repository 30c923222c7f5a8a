import type pg from "pg";
import type { Secret } from "@bucketbridge/core";
import { withPgClient } from "../client.ts";
import { readMigrationFiles, type MigrationFile } from "./migration-files.ts";

/** How a database stands against the migrations of this build; names of migrations. */
export interface MigrationStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Started and not ended: nothing is applied before a person has looked. */
  readonly failed: readonly string[];
  /** Applied, and the file has changed since. */
  readonly edited: readonly string[];
  /** In the database and not in this build: a newer build was here. */
  readonly unknown: readonly string[];
}

/** Reads the state without changing anything; a database that was never migrated has everything pending. */
export async function readMigrationStatus(
  url: Secret,
  directory: string,
): Promise<MigrationStatus> {
  const files = await readMigrationFiles(directory);
  return withPgClient(url, async (client) => {
    const found = await client.query<{ isThere: boolean }>(
      `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS "isThere"`,
    );
    const rows = found.rows[0]?.isThere === true ? await readMigrationRows(client) : [];
    return compareMigrations(files, rows);
  });
}

/** A row of `_prisma_migrations` that was not marked as rolled back. */
export interface MigrationRow {
  readonly name: string;
  readonly checksum: string;
  readonly isFinished: boolean;
  readonly logs: string | null;
}

/** The rows that count, oldest first. */
export async function readMigrationRows(client: pg.Client): Promise<MigrationRow[]> {
  const result = await client.query<MigrationRow>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS "isFinished", logs
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  return result.rows;
}

/** Pure comparison of files and rows. */
export function compareMigrations(
  files: readonly MigrationFile[],
  rows: readonly MigrationRow[],
): MigrationStatus {
  const byName = new Map(rows.map((row) => [row.name, row]));
  const inBuild = new Set(files.map((file) => file.name));
  return {
    applied: rows.filter((row) => row.isFinished).map((row) => row.name),
    pending: files.filter((file) => !byName.has(file.name)).map((file) => file.name),
    failed: rows.filter((row) => !row.isFinished).map((row) => row.name),
    edited: files.filter((file) => isEdited(file, byName.get(file.name))).map((file) => file.name),
    unknown: rows.filter((row) => !inBuild.has(row.name)).map((row) => row.name),
  };
}

function isEdited(file: MigrationFile, row: MigrationRow | undefined): boolean {
  return row !== undefined && row.checksum !== file.checksum;
}
