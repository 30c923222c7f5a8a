import { expect, it } from "vitest";
import { findUnexplainedSkips, toMatrixTable } from "./matrix-table.ts";
import type { RunSummary } from "./summary.ts";

const summary: RunSummary = {
  passed: 3,
  failed: 1,
  skipped: 3,
  conformance: {
    "s3/minio": { passed: 3, failed: 1, skipped: 2 },
    "s3/account": { passed: 0, failed: 0, skipped: 1 },
  },
  skipReasons: {
    "s3/minio": { "minio differs: https://example.com": 2 },
    "s3/account": { "no account": 1 },
  },
};

it("shows each provider on each service, and why cases did not run", () => {
  expect(toMatrixTable(summary).split("\n")).toEqual([
    "provider    service             passed  failed skipped",
    "s3          minio                    3       1       2",
    "s3          account                  0       0       1",
    "",
    "  s3/minio: 2 skipped: minio differs: https://example.com",
    "  s3/account: 1 skipped: no account",
  ]);
  expect(findUnexplainedSkips(summary)).toEqual([]);
});

it("complains about a case that was skipped and does not say why", () => {
  const silent = { ...summary, skipReasons: { "s3/minio": { "": 1, "minio differs": 1 } } };
  expect(findUnexplainedSkips(silent)).toEqual([
    "s3/minio: 1 cases skipped without a reason",
    "s3/account: 1 cases skipped without a reason",
  ]);
});
