import fs from "node:fs";

/** How many tests ended how. A file that could not be loaded and an error outside any test count as one failure each. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What the summary reporter leaves for the script that started vitest. */
export interface RunSummary extends Counts {
  /** Cases of the conformance suite by `provider/service`, for example `s3/minio`. */
  readonly conformance: Readonly<Record<string, Counts>>;
  /** Of the skipped ones: how many for which reason, by pair. The reason "" was not given. */
  readonly skipReasons: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Name of the variable with the file that the reporter writes. */
export const SUMMARY_FILE_VARIABLE = "BUCKETBRIDGE_TEST_SUMMARY";

/** The line that ends every test run, read by people and by .ci/run. */
export function toClosingLine({ passed, failed, skipped }: Counts): string {
  return `${String(passed)} passed, ${String(failed)} failed, ${String(skipped)} skipped`;
}

/** What the reporter wrote, or undefined when vitest did not get that far. */
export function readSummary(file: string): RunSummary | undefined {
  if (!fs.existsSync(file)) return undefined;
  return JSON.parse(fs.readFileSync(file, "utf8")) as RunSummary;
}
