import { ISSUE_COLUMNS, type IssueView } from "@bucketbridge/contracts";

/** A cell that starts like this is a formula to a spreadsheet: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA_START = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

/** The first line of the download. */
export const CSV_HEADER = `${ISSUE_COLUMNS.join(",")}\r\n`;

/**
 * One line (RFC 4180). Keys and messages come from a stranger's bucket, so a text that a spreadsheet would run as a formula
 * gets a `'` in front; the JSON formats have the text unchanged.
 */
export function toCsvLine(issue: IssueView): string {
  return `${ISSUE_COLUMNS.map((column) => toCell(issue[column])).join(",")}\r\n`;
}

function toCell(value: string | number | boolean | null): string {
  if (value === null) return "";
  if (typeof value !== "string") return String(value);
  const safe = FORMULA_START.test(value) ? `'${value}` : value;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
