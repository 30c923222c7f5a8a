import { readElement } from "../element.ts";
import type { BadRowItem, RowItem, RowProblem } from "../items.ts";
import { readJsonText } from "../json-value.ts";
import { tooLargeMessage } from "../row-scanner.ts";
import { findUnstorable } from "../storable.ts";
import { toJsonValue, UnreadableValue } from "./values.ts";

/** Columns that may hold JSON as text, since tables have no better type for them. */
const JSON_COLUMNS: ReadonlySet<string> = new Set(["data", "annotations", "predictions", "meta"]);

/**
 * Makes a task of one decoded row, given as its columns. The row is read like an element of a JSON file: an object in the column `data` (a struct, or JSON text) is
 * the task's data, else the row itself is.
 */
export function toParquetItem(
  row: readonly (readonly [name: string, value: unknown])[],
  place: { readonly rowIndex: number; readonly maxRowBytes: number },
): RowItem | BadRowItem {
  const { rowIndex } = place;
  const entries: [string, unknown][] = [];
  for (const [name, value] of row) {
    const converted = toJsonValue(value);
    if (converted instanceof UnreadableValue)
      return bad(rowIndex, inColumn(name, converted.problem));
    entries.push([name, JSON_COLUMNS.has(name) ? parseStructure(converted) : converted]);
  }
  const document = Object.fromEntries(entries);
  const unstorable = findUnstorable(document);
  if (unstorable !== undefined) return bad(rowIndex, unstorable);
  const text = JSON.stringify(document);
  if (text.length > place.maxRowBytes)
    return bad(rowIndex, { code: "row_too_large", message: tooLargeMessage(place.maxRowBytes) });
  const element = readElement(document, text, rowIndex);
  if (!element.ok) return bad(rowIndex, element.problem);
  const { row: loaded, issue } = element;
  return {
    kind: "row",
    rowIndex,
    byteOffset: null,
    resumeOffset: null,
    row: loaded,
    issue,
    sizeBytes: text.length,
  };
}

/** The object or list that a text holds as JSON; any other value stays what it is. */
function parseStructure(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  const reading = readJsonText(value);
  return reading.ok ? reading.value : value;
}

function inColumn(name: string, problem: RowProblem): RowProblem {
  return {
    code: problem.code,
    message: `column ${name.slice(0, 100).toWellFormed().replaceAll("\u0000", "\uFFFD")}: ${problem.message}`,
  };
}

function bad(rowIndex: number, problem: RowProblem): BadRowItem {
  return { kind: "bad", rowIndex, byteOffset: null, resumeOffset: null, ...problem };
}
