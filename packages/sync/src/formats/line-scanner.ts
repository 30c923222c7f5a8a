import { Buffer } from "node:buffer";
import {
  findNonBlank,
  firstRowTooLarge,
  PartialRow,
  type RowScanner,
  tooLargeMessage,
  type ScannedRow,
  type ScanStart,
} from "./row-scanner.ts";

const NEWLINE = 0x0a;

/**
 * Rows of JSON Lines: one per line, blank lines are none. A row's `resumeOffset` is that of the newline behind it, or the end of
 * the file. A line that is too large is skipped to its end as one bad row; as the first row it ends the file.
 */
export class LineScanner implements RowScanner {
  readonly #line: PartialRow;
  readonly #maxRowBytes: number;
  #offset: number;
  #hasRows: boolean;

  /** `hasRows`: rows of the file were read before. */
  constructor(start: ScanStart, hasRows: boolean) {
    this.#offset = start.offset;
    this.#maxRowBytes = start.maxRowBytes;
    this.#line = new PartialRow(start.maxRowBytes);
    this.#line.start = start.offset;
    this.#hasRows = hasRows;
  }

  push(chunk: Buffer): readonly ScannedRow[] {
    const rows: ScannedRow[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#endLine(rows, chunk.subarray(from, at), this.#offset + at);
      if (rows.at(-1)?.kind === "failure") return rows;
      from = at + 1;
      this.#line.start = this.#offset + from;
    }
    this.#line.append(from === 0 ? chunk : chunk.subarray(from));
    this.#offset += chunk.length;
    if (this.#line.isTooLarge && !this.#hasRows)
      rows.push(firstRowTooLarge(this.#line.start, this.#maxRowBytes));
    return rows;
  }

  end(): readonly ScannedRow[] {
    const rows: ScannedRow[] = [];
    if (this.#line.bytes > 0) this.#endLine(rows, EMPTY, this.#offset);
    return rows;
  }

  #endLine(rows: ScannedRow[], last: Buffer, resumeOffset: number): void {
    const bytes = this.#line.take(last);
    const byteOffset = this.#line.start;
    if (bytes === undefined) {
      const message = tooLargeMessage(this.#maxRowBytes);
      if (!this.#hasRows) rows.push(firstRowTooLarge(byteOffset, this.#maxRowBytes));
      else rows.push({ kind: "bad", byteOffset, resumeOffset, code: "row_too_large", message });
      return;
    }
    if (findNonBlank(bytes, 0) === bytes.length) return;
    this.#hasRows = true;
    rows.push({ kind: "bytes", byteOffset, resumeOffset, bytes });
  }
}

const EMPTY = Buffer.alloc(0);
