import {
  ERROR_CODES,
  HTTP_STATUS_BY_CODE,
  LOG_LEVEL_BY_CODE,
  RETRY_BY_CODE,
} from "@bucketbridge/core";
import { ERROR_TEXTS } from "./error-texts.ts";
import { listIssueTexts } from "./issue-texts.ts";
import { collectReasons } from "./reasons.ts";
import { code, toTable } from "./table.ts";

const INTRODUCTION = `# Errors

Made from the code by \`npm run gen\`; do not edit.

Every failure has a code. Where the remedy differs within one code, a reason stands beside it; issue rows and \`/api/v1\` show
both. The message says what was tried, what the store said and what to do, and never holds a secret.

HTTP is the status on \`/api/v1\`; 424 means that the *store* refused, while our own refusals are 401 and 403. The compatible
wire answers as the contract does.
`;

const ISSUES = `## Issues

An issue is one thing that went wrong with one object or row; it stays until it is solved. Its code is one of the above (what the
store answered) or one of these.`;

/** docs/errors.md: codes with what follows from them, then reasons with their remedies. */
export function renderErrors(): string {
  const codes = ERROR_CODES.map((name) => [
    code(name),
    ERROR_TEXTS[name].meaning,
    RETRY_BY_CODE[name].replace("_", " "),
    String(HTTP_STATUS_BY_CODE[name]),
    LOG_LEVEL_BY_CODE[name],
    ERROR_TEXTS[name].inRun,
  ]);
  const reasons = collectReasons().map(({ reason, codes: under, says, hint }) => [
    code(reason),
    under.map(code).join(", "),
    [says, hint].filter((text) => text !== undefined).join("; ") || undefined,
  ]);
  const issues = listIssueTexts().map(([name, meaning]) => [code(name), meaning]);
  return [
    INTRODUCTION,
    `${toTable(["code", "meaning", "retry", "HTTP", "log level", "in a run"], codes)}\n`,
    `${ISSUES}\n\n${toTable(["issue", "meaning"], issues)}\n`,
    `## Reasons\n\n${toTable(["reason", "code", "says"], reasons)}\n`,
  ].join("\n");
}
