import type { Buffer } from "node:buffer";
import { readElement } from "./element.ts";
import type { BadRowItem, RowItem } from "./items.ts";
import { readJson } from "./json-value.ts";

/** Where a row of a JSON file stands. */
export interface RowSpot {
  readonly rowIndex: number;
  readonly byteOffset: number;
  readonly resumeOffset: number | null;
}

/** Reads the bytes of one row: what it becomes, good or bad. */
export function toRowItem(bytes: Buffer, spot: RowSpot): RowItem | BadRowItem {
  const { rowIndex, byteOffset, resumeOffset } = spot;
  const reading = readJson(bytes);
  if (!reading.ok) {
    const { code, message } = reading;
    return {
      kind: "bad",
      rowIndex,
      byteOffset: byteOffset + reading.byteOffset,
      resumeOffset,
      code,
      message,
    };
  }
  const element = readElement(reading.value, reading.text, rowIndex);
  if (!element.ok) return { kind: "bad", rowIndex, byteOffset, resumeOffset, ...element.problem };
  const { row, issue } = element;
  return { kind: "row", rowIndex, byteOffset, resumeOffset, row, issue, sizeBytes: bytes.length };
}
