import fs from "node:fs";
import path from "node:path";
import {
  ERROR_CODES,
  HTTP_STATUS_BY_CODE,
  LOG_LEVEL_BY_CODE,
  REASONS,
  RETRY_BY_CODE,
} from "@bucketbridge/core";
import { ROOT } from "../launcher/paths.mjs";
import { ERROR_TEXTS } from "./error-texts.ts";
import { code, toTable } from "./table.ts";

const INTRODUCTION = `# Errors

Made from packages/core by \`npm run gen\`; do not edit.

Every failure has a code. Where the remedy differs within one code, a reason stands beside it; issue rows and \`/api/v1\` show
both. The message says what was tried, what the store said and what to do, and never holds a secret.

HTTP is the status on \`/api/v1\`; 424 means that the *store* refused, while our own refusals are 401 and 403. The compatible
wire answers as the contract does.
`;

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
  const reasons = Object.entries(REASONS)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { meaning, remedy }]) => [code(name), meaning, remedy]);
  return [
    INTRODUCTION,
    `${toTable(["code", "meaning", "retry", "HTTP", "log level", "in a run"], codes)}\n`,
    `## Reasons\n\n${toTable(["reason", "meaning", "what to do"], reasons)}\n`,
  ].join("\n");
}

/** Reasons that no code gives any more: the table must not describe errors that cannot happen. */
export function findReasonProblems(): string[] {
  const sources = ["packages", "apps"]
    .flatMap((folder) => readSources(path.join(ROOT, folder)))
    .join("\n");
  return Object.keys(REASONS)
    .filter((reason) => !sources.includes(`"${reason}"`))
    .map((reason) => `packages/core/src/reasons.ts has ${reason}, which nothing throws`);
}

function readSources(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter(
      ({ name }) => name.endsWith(".ts") && !name.endsWith(".test.ts") && name !== "reasons.ts",
    )
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !file.includes("node_modules") && !file.includes("/generated/"))
    .map((file) => fs.readFileSync(file, "utf8"));
}
