import { AppError } from "@bucketbridge/core";

/** One row of a table, by the names of its columns. */
export type TableRow = Readonly<Record<string, string | number | boolean>>;

/** Digits that mean the same number whoever reads them: no leading zeros, nothing that a double would change. */
const NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/;
const FLAGS = new Map<string, boolean>([
  ["True", true],
  ["False", false],
  ["true", true],
  ["false", false],
]);

/**
 * Rows of a CSV or TSV text (RFC 4180, LF or CRLF) under the names of its first line. A column whose cells are all numbers or
 * all flags has values of that kind; an empty cell is "". Blank lines are passed over. A quote without its end and a row with
 * more cells than there are names are `corrupt_data`.
 */
export function parseTable(text: string, separator: "," | "\t"): TableRow[] {
  const [names, ...lines] = splitCells(text, separator);
  if (names === undefined) return [];
  const columns = names.map((name, column) => ({
    name: name.trim() === "" ? `Unnamed: ${String(column)}` : name,
    read: toReader(lines.map(({ [column]: cell }) => cell ?? "")),
  }));
  return lines.map((cells, index) => {
    if (cells.length > columns.length)
      throw corrupt(
        `row ${String(index + 2)} has ${String(cells.length)} cells, the first ${String(columns.length)}`,
      );
    return Object.fromEntries(
      columns.map(({ name, read }, column) => [name, read(cells[column] ?? "")]),
    );
  });
}

type Cell = string | number | boolean;

function toReader(cells: readonly string[]): (cell: string) => Cell {
  const filled = cells.filter((cell) => cell !== "");
  if (filled.length === 0) return (cell) => cell;
  if (filled.every((cell) => NUMBER.test(cell))) return (cell) => (cell === "" ? "" : Number(cell));
  if (filled.every((cell) => FLAGS.has(cell))) return (cell) => FLAGS.get(cell) ?? "";
  return (cell) => cell;
}

function splitCells(text: string, separator: string): string[][] {
  const rows: string[][] = [];
  let cells: string[] = [];
  let at = 0;
  while (at < text.length) {
    const cell = text[at] === '"' ? readQuoted(text, at) : readPlain(text, at, separator);
    cells.push(cell.value);
    at = cell.end;
    if (text[at] === separator) {
      at++;
      // A separator at the very end is followed by one more, empty cell.
      if (at < text.length) continue;
      cells.push("");
    }
    if (text[at] === "\r") at++;
    if (text[at] === "\n") at++;
    if (cells.length > 1 || cells[0] !== "") rows.push(cells);
    cells = [];
  }
  return rows;
}

interface ReadCell {
  readonly value: string;
  readonly end: number;
}

function readPlain(text: string, start: number, separator: string): ReadCell {
  let end = start;
  while (end < text.length && text[end] !== separator && text[end] !== "\n" && text[end] !== "\r")
    end++;
  return { value: text.slice(start, end), end };
}

function readQuoted(text: string, start: number): ReadCell {
  let value = "";
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote === -1) throw corrupt("a quote is opened and never closed");
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') {
      const rest = /^[^,\t\r\n]*/.exec(text.slice(quote + 1, quote + 1_001))?.[0] ?? "";
      return { value: value + rest, end: quote + 1 + rest.length };
    }
    value += '"';
    from = quote + 2;
  }
}

function corrupt(message: string): AppError {
  return new AppError({ code: "corrupt_data", reason: "upload.bad_table", message });
}
