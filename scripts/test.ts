// Runs the tests of one set and ends with one line that counts them: node scripts/test.ts SET [vitest arguments]
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { findMissingProviders } from "./testing/required-providers.ts";
import {
  readSummary,
  SUMMARY_FILE_VARIABLE,
  toClosingLine,
  type RunSummary,
} from "./testing/summary.ts";
import { followChild } from "./launcher/follow.mjs";
import { CACHE, NODE_MODULES, ROOT } from "./launcher/paths.mjs";

const PROJECTS: Readonly<Record<string, readonly string[]>> = {
  all: ["unit", "conformance", "int"],
  conformance: ["conformance"],
  int: ["int"],
  chaos: ["chaos"],
};

const [set = "all", ...args] = process.argv.slice(2);
process.exitCode = await runSet(set, args);

async function runSet(name: string, extra: readonly string[]): Promise<number> {
  const projects = PROJECTS[name];
  if (projects === undefined) {
    console.error(`unknown set of tests ${name}; one of ${Object.keys(PROJECTS).join(", ")}`);
    return 2;
  }
  const file = path.join(CACHE, `test-summary-${String(process.pid)}.json`);
  fs.mkdirSync(CACHE, { recursive: true });
  const code = await runVitest(projects, extra, file);
  const summary = readSummary(file);
  fs.rmSync(file, { force: true });
  return close(code, summary, name);
}

function runVitest(
  projects: readonly string[],
  extra: readonly string[],
  file: string,
): Promise<number> {
  const vitest = path.join(NODE_MODULES, "vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=./scripts/testing/summary-reporter.ts"];
  const command = [
    vitest,
    "run",
    ...projects.map((name) => `--project=${name}`),
    ...reporters,
    ...extra,
  ];
  const env = { ...process.env, [SUMMARY_FILE_VARIABLE]: file };
  return followChild(spawn(process.execPath, command, { cwd: ROOT, stdio: "inherit", env }));
}

async function close(code: number, summary: RunSummary | undefined, set: string): Promise<number> {
  if (summary === undefined) {
    console.error("vitest ended before it had counted the tests");
    console.log(toClosingLine({ passed: 0, failed: 1, skipped: 0 }));
    return code === 0 ? 1 : code;
  }
  const runsConformance = set === "all" || set === "conformance";
  const missing = runsConformance ? await checkProviders(summary) : [];
  for (const text of missing) console.error(text);
  const failed = summary.failed + missing.length;
  // Vitest may fail without a failed test, for example when nothing matched.
  console.log(toClosingLine({ ...summary, failed: failed === 0 && code !== 0 ? 1 : failed }));
  return code === 0 && failed > 0 ? 1 : code;
}

async function checkProviders(summary: RunSummary): Promise<string[]> {
  const required = process.env["REQUIRE_PROVIDERS"];
  if (required === undefined || required === "") return [];
  const { PROVIDER_NAMES } = await import("@bucketbridge/storage/providers");
  return findMissingProviders(required, PROVIDER_NAMES, summary);
}
