import type { Buffer } from "node:buffer";
import {
  findNonBlank,
  firstRowTooLarge,
  isBlank,
  PartialRow,
  type RowScanner,
  tooLargeMessage,
  type ScannedRow,
  type ScanStart,
} from "./row-scanner.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Kinds of brackets are compared down to this depth; below, they are only counted (such rows are refused anyway). */
const TYPED_DEPTH = 1_024;

/** Strings up to this are scanned byte by byte, which is faster than a native search for them. */
const SHORT_STRING_BYTES = 48;

/**
 * Elements of a JSON array, found by quotes, brackets and commas alone: whether an element is valid JSON is left to whoever parses
 * it, so a bad element between two commas costs only itself. A bracket that does not match, something behind the closing bracket, or no closing
 * bracket ends the file. A row's `resumeOffset` is that of the comma or bracket behind it.
 */
export class ArrayScanner implements RowScanner {
  readonly #element: PartialRow;
  readonly #maxRowBytes: number;
  readonly #brackets = new Uint8Array(TYPED_DEPTH);
  #offset: number;
  #hasRows: boolean;
  #depth = 0;
  #inElement = false;
  #inString = false;
  /** The last byte of the chunk before was a backslash that escapes the first one of the next. */
  #isEscaped = false;
  /** What stands before the next element: decides what a comma or a closing bracket without an element means. */
  #before: "bracket" | "comma" | "element";
  #isClosed = false;

  private constructor(start: ScanStart, before: "bracket" | "element") {
    this.#offset = start.offset;
    this.#maxRowBytes = start.maxRowBytes;
    this.#element = new PartialRow(start.maxRowBytes);
    this.#before = before;
    this.#hasRows = before === "element";
  }

  /** A scanner whose first chunk begins behind the opening bracket. */
  static afterBracket(start: ScanStart): ArrayScanner {
    return new ArrayScanner(start, "bracket");
  }

  /** A scanner whose first chunk begins at the `resumeOffset` of an element. */
  static afterElement(start: ScanStart): ArrayScanner {
    return new ArrayScanner(start, "element");
  }

  push(chunk: Buffer): readonly ScannedRow[] {
    const rows: ScannedRow[] = [];
    const from = this.#scan(chunk, rows);
    if (this.#inElement) this.#element.append(chunk.subarray(from));
    this.#offset += chunk.length;
    if (this.#element.isTooLarge && !this.#hasRows)
      rows.push(firstRowTooLarge(this.#element.start, this.#maxRowBytes));
    return rows;
  }

  end(): readonly ScannedRow[] {
    if (this.#isClosed) return [];
    return [this.#failure(0, "the file ends before the array does: it may have been cut off")];
  }

  /** Returns where in the chunk the element begins that has not ended (0 when it began before). */
  #scan(chunk: Buffer, rows: ScannedRow[]): number {
    let from = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#inString) {
        at = this.#skipString(chunk, at);
        continue;
      }
      const byte = chunk[at] ?? 0;
      if (this.#isClosed) {
        at = findNonBlank(chunk, at);
        if (at < chunk.length)
          rows.push(this.#failure(at, "something follows the closing bracket of the array"));
        return 0;
      }
      if (this.#depth === 0 && (byte === COMMA || byte === CLOSE_BRACKET)) {
        this.#endElement(rows, chunk.subarray(from, at), at, byte);
        if (rows.at(-1)?.kind === "failure") return 0;
      } else {
        if (!this.#inElement && !isBlank(byte)) from = this.#startElement(at);
        if (!this.#track(byte)) {
          rows.push(
            this.#failure(at, `an unexpected ${String.fromCharCode(byte)} breaks the array`),
          );
          this.#inElement = false;
          return 0;
        }
      }
      at++;
    }
    return from;
  }

  #startElement(at: number): number {
    this.#inElement = true;
    this.#element.start = this.#offset + at;
    return at;
  }

  /** Follows quotes and brackets; false when a closing bracket has no opening one of its kind. */
  #track(byte: number): boolean {
    if (byte === QUOTE) this.#inString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (this.#depth < TYPED_DEPTH) this.#brackets[this.#depth] = byte;
      this.#depth++;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      this.#depth--;
      // In ASCII a closing bracket stands two behind its opening one.
      return (
        this.#depth >= 0 && (this.#depth >= TYPED_DEPTH || this.#brackets[this.#depth] === byte - 2)
      );
    }
    return true;
  }

  /** Index behind the closing quote, or the length when the string goes on in the next chunk. */
  #skipString(chunk: Buffer, start: number): number {
    let at = this.#isEscaped ? start + 1 : start;
    this.#isEscaped = false;
    const shortEnd = Math.min(chunk.length, at + SHORT_STRING_BYTES);
    for (; at < shortEnd; at++) {
      const byte = chunk[at];
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) {
        this.#inString = false;
        return at + 1;
      }
    }
    if (at >= chunk.length) {
      this.#isEscaped = at > chunk.length;
      return chunk.length;
    }
    return this.#skipLongString(chunk, at);
  }

  #skipLongString(chunk: Buffer, start: number): number {
    let from = start;
    for (;;) {
      const quote = chunk.indexOf(QUOTE, from);
      const end = quote < 0 ? chunk.length : quote;
      let slashes = 0;
      while (end - 1 - slashes >= from && chunk[end - 1 - slashes] === BACKSLASH) slashes++;
      const isEscaped = slashes % 2 === 1;
      if (quote < 0) {
        this.#isEscaped = isEscaped;
        return end;
      }
      from = quote + 1;
      if (isEscaped) continue;
      this.#inString = false;
      return from;
    }
  }

  /** At a comma or closing bracket of the array itself, `at` in the chunk. */
  #endElement(rows: ScannedRow[], last: Buffer, at: number, delimiter: number): void {
    const resumeOffset = this.#offset + at;
    this.#isClosed = delimiter === CLOSE_BRACKET;
    if (this.#inElement) this.#finishElement(rows, last, resumeOffset);
    else if (this.#before === "comma" || (this.#before === "bracket" && !this.#isClosed)) {
      const message = "it is not valid JSON: there is no element before the comma or bracket";
      rows.push({
        kind: "bad",
        byteOffset: resumeOffset,
        resumeOffset,
        code: "invalid_json",
        message,
      });
      this.#hasRows = true;
    }
    this.#inElement = false;
    this.#before = "comma";
  }

  #finishElement(rows: ScannedRow[], last: Buffer, resumeOffset: number): void {
    const bytes = this.#element.take(last);
    const byteOffset = this.#element.start;
    if (bytes !== undefined) rows.push({ kind: "bytes", byteOffset, resumeOffset, bytes });
    else if (!this.#hasRows) rows.push(firstRowTooLarge(byteOffset, this.#maxRowBytes));
    else {
      const message = tooLargeMessage(this.#maxRowBytes);
      rows.push({ kind: "bad", byteOffset, resumeOffset, code: "row_too_large", message });
    }
    this.#hasRows = true;
  }

  #failure(at: number, message: string): ScannedRow {
    return { kind: "failure", byteOffset: this.#offset + at, code: "corrupt_data", message };
  }
}
