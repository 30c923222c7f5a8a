import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { followChild } from "../launcher/follow.mjs";
import { CACHE, NODE_MODULES, ROOT } from "../launcher/paths.mjs";
import { findMissingProviders } from "./required-providers.ts";
import { readSummary, SUMMARY_FILE_VARIABLE, toClosingLine, type RunSummary } from "./summary.ts";

/** How vitest ended, and what it counted; undefined: it did not get that far. */
export interface VitestRun {
  readonly code: number;
  readonly summary: RunSummary | undefined;
}

/** What is tested, and with what. */
export interface VitestOptions {
  readonly projects: readonly string[];
  /** Further arguments of vitest. */
  readonly args: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

/** Runs tests, their output on ours. */
export async function runVitest({
  projects,
  args,
  environment = process.env,
}: VitestOptions): Promise<VitestRun> {
  const file = path.join(CACHE, `test-summary-${String(process.pid)}.json`);
  fs.mkdirSync(CACHE, { recursive: true });
  const command = [
    path.join(NODE_MODULES, "vitest/vitest.mjs"),
    "run",
    ...projects.map((name) => `--project=${name}`),
    "--reporter=default",
    "--reporter=./scripts/testing/summary-reporter.ts",
    ...args,
  ];
  const env = { ...environment, [SUMMARY_FILE_VARIABLE]: file };
  const code = await follow(command, env);
  const summary = readSummary(file);
  fs.rmSync(file, { force: true });
  return { code, summary };
}

function follow(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return followChild(spawn(process.execPath, command, { cwd: ROOT, stdio: "inherit", env }));
}

/** Prints what is wrong and the line that counts; gives the exit code. */
export function closeRun({ code, summary }: VitestRun, complaints: readonly string[]): number {
  if (summary === undefined) {
    console.error("vitest ended before it had counted the tests");
    console.log(toClosingLine({ passed: 0, failed: 1, skipped: 0 }));
    return code === 0 ? 1 : code;
  }
  for (const text of complaints) console.error(text);
  const failed = summary.failed + complaints.length;
  // Vitest may fail without a failed test, for example when nothing matched.
  console.log(toClosingLine({ ...summary, failed: failed === 0 && code !== 0 ? 1 : failed }));
  return code === 0 && failed > 0 ? 1 : code;
}

/** Complaints about providers that REQUIRE_PROVIDERS names and that passed nothing. */
export async function checkProviders(
  required: string | undefined,
  summary: RunSummary | undefined,
): Promise<readonly string[]> {
  if (required === undefined || required === "" || summary === undefined) return [];
  const { PROVIDER_NAMES } = await import("@bucketbridge/storage/providers");
  return findMissingProviders(required, PROVIDER_NAMES, summary);
}
