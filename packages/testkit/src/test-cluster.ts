import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Secret, silentLogger } from "@bucketbridge/core";
import { deployMigrations } from "@bucketbridge/db";
import { ensureDatabase, startCluster } from "@bucketbridge/db/embedded";

const PREFIX = "bucketbridge-test-";
const KEPT_FOR_MS = 24 * 60 * 60 * 1_000;
const MIGRATIONS = path.resolve(import.meta.dirname, "../../../prisma/migrations");

/** What a test file needs to make a database of its own; plain data, it travels to the test processes. */
export interface TemplateInfo {
  readonly adminUrl: string;
  /** The ordinary role: it owns every database, row-level security applies to it. */
  readonly role: string;
  readonly password: string;
  readonly template: string;
  /** A folder where a test file leaves the name of a database that shall be kept. */
  readonly keepDir: string;
}

/** One PostgreSQL for a test run, with a migrated template. */
export interface TestCluster extends TemplateInfo {
  /** Ends the server. Its files go too, unless a failed test asked to keep a database. */
  stop(): Promise<void>;
}

/** Starts a PostgreSQL in the temporary folder and migrates a template database as the ordinary role. */
export async function startTestCluster(): Promise<TestCluster> {
  removeOldClusters();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), PREFIX));
  const keepDir = fs.mkdtempSync(path.join(os.tmpdir(), `${PREFIX}kept-`));
  const cluster = await startCluster({ dir, auth: "trust", durability: "test" });
  const login = { role: "bucketbridge", password: randomBytes(12).toString("hex") };
  const template = "bucketbridge_template";
  const url = await ensureDatabase(cluster.adminUrl(), { ...login, database: template });
  await deployMigrations(new Secret(url), MIGRATIONS, { lockTimeoutMs: 10_000, log: silentLogger });
  return {
    ...login,
    adminUrl: cluster.adminUrl(),
    template,
    keepDir,
    stop: async () => {
      await cluster.stop();
      const kept = fs.readdirSync(keepDir);
      fs.rmSync(keepDir, { recursive: true, force: true });
      if (kept.length === 0) fs.rmSync(dir, { recursive: true, force: true });
      else process.stderr.write(keptMessage(kept, dir));
    },
  };
}

function keptMessage(names: readonly string[], dir: string): string {
  return `\nKept for a look, because tests failed: ${names.join(", ")}\n  npm run db:inspect -- ${dir}\n`;
}

/** What failed or killed runs left; a day is enough to look at a failure. */
function removeOldClusters(): void {
  for (const name of fs.readdirSync(os.tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const dir = path.join(os.tmpdir(), name);
    const stat = fs.statSync(dir, { throwIfNoEntry: false });
    const isOurs = stat?.uid === process.getuid?.() || process.getuid?.() === 0;
    if (stat !== undefined && isOurs && Date.now() - stat.mtimeMs > KEPT_FOR_MS) {
      fs.rmSync(dir, { recursive: true, force: true });
    }
  }
}
