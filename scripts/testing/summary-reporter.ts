import fs from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";
import { SUMMARY_FILE_VARIABLE, type Counts, type RunSummary } from "./summary.ts";

type Outcome = keyof Counts;
type Tally = Record<Outcome, number>;

/** Counts a run into the file that scripts/test.ts named. */
class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const file = process.env[SUMMARY_FILE_VARIABLE];
    if (file !== undefined)
      fs.writeFileSync(file, JSON.stringify(summarise(modules, errors.length)));
  }
}

function summarise(modules: readonly TestModule[], unhandledErrors: number): RunSummary {
  const all = { passed: 0, failed: unhandledErrors, skipped: 0 };
  const conformance: Record<string, Tally> = {};
  const skipReasons: Record<string, Record<string, number>> = {};
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const result = test.result();
      const outcome = toOutcome(result.state);
      all[outcome] += 1;
      const ran = test.meta().conformance;
      if (ran === undefined) continue;
      const pair = `${ran.provider}/${ran.service}`;
      const tally = (conformance[pair] ??= { passed: 0, failed: 0, skipped: 0 });
      tally[outcome] += 1;
      if (result.state !== "skipped") continue;
      const reasons = (skipReasons[pair] ??= {});
      const reason = result.note ?? "";
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
    all.failed += failuresOutsideTests(module);
  }
  return { ...all, conformance, skipReasons };
}

function toOutcome(state: "pending" | "passed" | "failed" | "skipped"): Outcome {
  // A test that never ended has not passed.
  return state === "pending" ? "failed" : state;
}

/** Imports and hooks that failed: their tests are skipped, which must not look like a choice. */
function failuresOutsideTests(module: TestModule): number {
  const suites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
  return suites.length + (module.errors().length > 0 ? 1 : 0);
}

// Vitest demands a default export.
export default SummaryReporter;
