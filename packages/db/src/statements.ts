import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Transaction } from "./client.ts";

/** The hot statements: one file each in `sql/`, whose first lines are its contract (parameters, result, guarantees). */
export const STATEMENT_NAMES = [
  "annotation-only-truth",
  "annotation-save",
  "annotations-delete",
  "annotations-import",
  "annotations-move",
  "breaker-admit",
  "breaker-outage",
  "breaker-success",
  "deliveries-claim",
  "deliveries-delivered",
  "deliveries-intend",
  "deliveries-release",
  "deliveries-renew",
  "delivery-ambiguous",
  "delivery-failed",
  "export-progress",
  "export-run-find",
  "export-run-finish",
  "export-run-heartbeat",
  "export-run-lock",
  "inner-block",
  "load-batch",
  "load-fail",
  "mark-chunk",
  "media-project",
  "media-task",
  "object-forget",
  "objects-claim",
  "objects-release",
  "objects-renew",
  "page-dry-run",
  "page-files",
  "page-known",
  "page-tasks",
  "places-drop",
  "predictions-import",
  "project-hold",
  "project-lock",
  "purge-project",
  "purge-storage",
  "reconcile-begin",
  "reconcile-missing",
  "reconcile-named",
  "reconcile-page",
  "reconcile-restart",
  "retention-audit",
  "retention-issues",
  "retention-receipts",
  "retention-runs",
  "retention-tombstones",
  "run-ask",
  "run-cancel",
  "run-claimable",
  "run-fail",
  "run-finish",
  "run-heartbeat",
  "run-lock",
  "run-progress",
  "run-promote",
  "run-snapshot",
  "run-storage-lock",
  "runs-of-deleted",
  "storage-changed",
  "storage-deleted",
  "storage-lock",
  "subjects-annotations",
  "subjects-tasks",
  "sweep",
  "sweep-targets",
  "target-changed",
  "target-moving",
  "task-count",
  "task-page",
  "tasks-delete",
  "tasks-insert",
  "tasks-lock",
  "unit-release",
  "unit-renew",
  "unit-restart",
  "unit-take",
  "unmark-chunk",
] as const;

/** Name of a file in `sql/`, without its ending. */
export type StatementName = (typeof STATEMENT_NAMES)[number];

type ScalarValue = string | number | boolean | Uint8Array | null;
type ArrayValue =
  | readonly (string | null)[]
  | readonly (number | null)[]
  | readonly (boolean | null)[]
  | readonly bigint[];

/** A value that a statement takes as one parameter. */
export type StatementValue = ScalarValue | ArrayValue;

/** The text of each statement. */
export type Statements = Readonly<Record<StatementName, string>>;

/** Marks a text of `sql/`; the name shows in pg_stat_activity and pg_stat_statements. */
const MARK = /^\/\* ([a-z-]+) \*\/ /;

let loaded: Statements | undefined;

/** The statements of `sql/`, read once per process. */
export function loadStatements(): Statements {
  loaded ??= Object.fromEntries(
    STATEMENT_NAMES.map((name) => [name, readStatement(name)]),
  ) as Statements;
  return loaded;
}

function readStatement(name: StatementName): string {
  const source = readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), "utf8");
  return `/* ${name} */ ${withoutComments(source)}`;
}

/** Comments are for readers of the file; a statement is sent to the driver with every call. */
function withoutComments(source: string): string {
  return source
    .split("\n")
    .map((line) => line.replace(/(^|\s)--\s.*$/, ""))
    .filter((line) => line.trim() !== "")
    .join("\n");
}

/** Runs one statement of `sql/` and gives its rows. `bigint` columns arrive as BigInt. */
export async function runStatement<Row>(
  tx: Transaction,
  text: string,
  values: readonly StatementValue[],
): Promise<Row[]> {
  return tx.$queryRawUnsafe<Row[]>(text, ...values.map(toParameter));
}

/**
 * Arrays go as PostgreSQL's text form: Prisma and pg would otherwise look at each of some thousand elements of a page several
 * times. Every array parameter of `sql/` is cast to its type, so the server reads the text as that.
 */
function toParameter(value: StatementValue): string | number | boolean | Uint8Array | null {
  return Array.isArray(value) ? toArrayLiteral(value as ArrayValue) : (value as ScalarValue);
}

/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function toArrayLiteral(elements: ArrayValue): string {
  let literal = "{";
  for (const element of elements) {
    if (literal.length > 1) literal += ",";
    literal +=
      typeof element === "string" ? quote(element) : element === null ? "NULL" : String(element);
  }
  return `${literal}}`;
}

/** Needs no quotes inside an array literal: most keys do not, and a page is shorter by thousands of quotes. */
const PLAIN = /^[^\s{},"\\]+$/;

function quote(text: string): string {
  if (PLAIN.test(text) && text.toLowerCase() !== "null") return text;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

const preparedNames = new Map<string, string>();

/**
 * Name under which a text is prepared: texts of `sql/` once per connection (an unnamed one is planned every time: 2 to 5 ms
 * a page, measured), all others unnamed. The hash keeps two versions of a statement apart behind a connection pooler.
 */
export function preparedName(text: string): string {
  const known = preparedNames.get(text);
  if (known !== undefined) return known;
  const name = MARK.exec(text)?.[1];
  if (name === undefined) return "";
  const prepared = `${name}_${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
  preparedNames.set(text, prepared);
  return prepared;
}
