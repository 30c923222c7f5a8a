/** A cell that starts like this is a formula to a spreadsheet: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA_START = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

type Cell = string | number | boolean | null;

/** The first line of a download. */
export function toCsvHeader(columns: readonly string[]): string {
  return `${columns.join(",")}\r\n`;
}

/**
 * One line (RFC 4180). Keys and messages come from a stranger's bucket, so a text that a spreadsheet would run as a formula
 * gets a `'` in front; the JSON formats have the text unchanged.
 */
export function toCsvLine<Column extends string>(
  columns: readonly Column[],
  row: Readonly<Record<Column, Cell>>,
): string {
  return `${columns.map((column) => toCell(row[column])).join(",")}\r\n`;
}

function toCell(value: Cell): string {
  if (value === null) return "";
  if (typeof value !== "string") return String(value);
  const safe = FORMULA_START.test(value) ? `'${value}` : value;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
