import type { RunSummary } from "./summary.ts";

/** The table that `npm run test:matrix` prints: provider × service × cases, and why cases did not run. */
export function toMatrixTable(summary: RunSummary): string {
  const pairs = Object.keys(summary.conformance);
  const rows = pairs.map((pair) => {
    const [provider = "", service = ""] = pair.split("/");
    const { passed = 0, failed = 0, skipped = 0 } = summary.conformance[pair] ?? {};
    return [provider, service, String(passed), String(failed), String(skipped)];
  });
  const reasons = pairs.flatMap((pair) =>
    Object.entries(summary.skipReasons[pair] ?? {}).map(
      ([reason, count]) => `  ${pair}: ${String(count)} skipped: ${reason || "no reason given"}`,
    ),
  );
  const table = [["provider", "service", "passed", "failed", "skipped"], ...rows].map(toLine);
  return [...table, ...(reasons.length === 0 ? [] : ["", ...reasons])].join("\n");
}

/** Complaints about cases that were skipped and do not say why; empty is good. */
export function findUnexplainedSkips(summary: RunSummary): string[] {
  return Object.entries(summary.conformance).flatMap(([pair, { skipped }]) => {
    const reasons = Object.entries(summary.skipReasons[pair] ?? {});
    const explained = reasons.reduce((sum, [text, count]) => sum + (text === "" ? 0 : count), 0);
    const unexplained = skipped - explained;
    return unexplained > 0
      ? [`${pair}: ${String(unexplained)} cases skipped without a reason`]
      : [];
  });
}

function toLine([provider = "", service = "", ...counts]: readonly string[]): string {
  const numbers = counts.map((text) => text.padStart(8)).join("");
  return `${provider.padEnd(12)}${service.padEnd(18)}${numbers}`;
}
