import { readFile } from "node:fs/promises";
import path from "node:path";
import type { MigrationList, SchemaFilter } from "@prisma/schema-engine-wasm";
import { readMigrationFiles } from "../migrate/migration-files.ts";
import { openSchemaEngine } from "./engine.ts";

/** Where schema.prisma and the migrations are, and a superuser of a PostgreSQL that nobody else needs. */
export interface DiffInput {
  readonly adminUrl: string;
  readonly schemaFile: string;
  readonly migrationsDir: string;
}

const NOTHING_FILTERED: SchemaFilter = { externalTables: [], externalEnums: [] };
/** The engine's exit code for "there is a difference". */
const DIFFERS = 2;

/** What must change in the migrated database of `adminUrl` to be what schema.prisma says, in words; `undefined` when they agree. */
export async function findDrift({ adminUrl, schemaFile }: DiffInput): Promise<string | undefined> {
  const files = [{ path: "schema.prisma", content: await readFile(schemaFile, "utf8") }];
  const engine = await openSchemaEngine(adminUrl);
  const result = await engine.diff({
    from: { tag: "schemaDatasource", files, configDir: path.dirname(schemaFile) },
    to: { tag: "schemaDatamodel", files },
    script: false,
    exitCode: true,
    filters: NOTHING_FILTERED,
  });
  return result.exitCode === DIFFERS ? (result.stdout ?? "they differ") : undefined;
}

/** The SQL that takes a database with all migrations to what schema.prisma says; `undefined` when nothing is missing. */
export async function draftMigration({
  adminUrl,
  schemaFile,
  migrationsDir,
}: DiffInput): Promise<string | undefined> {
  const content = await readFile(schemaFile, "utf8");
  const engine = await openSchemaEngine(adminUrl);
  const result = await engine.diff({
    from: { tag: "migrations", ...(await readMigrationList(migrationsDir)) },
    to: { tag: "schemaDatamodel", files: [{ path: "schema.prisma", content }] },
    script: true,
    exitCode: true,
    filters: NOTHING_FILTERED,
  });
  return result.exitCode === DIFFERS ? (result.stdout ?? "") : undefined;
}

async function readMigrationList(dir: string): Promise<MigrationList> {
  const lockfile = "migration_lock.toml";
  const migrations = await readMigrationFiles(dir);
  return {
    baseDir: path.resolve(dir),
    lockfile: { path: lockfile, content: await readFile(path.join(dir, lockfile), "utf8") },
    shadowDbInitScript: "",
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: "migration.sql", content: { tag: "ok", value: sql } },
    })),
  };
}
