import { Buffer } from "node:buffer";
import { MAX_JSON_DEPTH } from "@bucketbridge/core";
import { JsonSyntax } from "./json-syntax.ts";
import { LineScanner } from "./line-scanner.ts";
import {
  findNonBlank,
  firstRowTooLarge,
  isBlank,
  type RowScanner,
  type ScannedRow,
  type ScanStart,
} from "./row-scanner.ts";

const OPEN_BRACE = 0x7b;
const NEWLINE = 0x0a;

/**
 * A file whose first character is `{`: one JSON object over any number of lines, or JSON Lines.
 *
 *     first line ──ends, object complete──▶ lines
 *        │  └─────ends, object broken─────▶ broken ──next line begins with {──▶ lines
 *        └────────ends, object open───────▶ document   └─anything else──▶ one bad row, end
 *     document ──breaks at a { that begins a line──▶ lines
 *        ├───────breaks elsewhere──▶ one bad row, end
 *        ├───────complete, only blanks to the end──▶ one row
 *        └───────complete, more follows──▶ failure
 *
 * So JSON Lines with a broken first row lose that row only, and a broken document is one bad row instead of one per line. What is
 * undecided is held, up to `maxRowBytes`.
 */
export class DocumentScanner implements RowScanner {
  /** All bytes so far, while nothing is decided. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  readonly #syntax = new JsonSyntax(MAX_JSON_DEPTH);
  readonly #start: ScanStart;
  #state: "first line" | "broken" | "document" = "first line";
  #brokenAt = 0;
  #lines: LineScanner | undefined;

  /** The first chunk begins with the brace. */
  constructor(start: ScanStart) {
    this.#start = start;
  }

  push(chunk: Buffer): readonly ScannedRow[] {
    if (this.#lines !== undefined) return this.#lines.push(chunk);
    this.#held.push(Buffer.from(chunk));
    this.#heldBytes += chunk.length;
    const rows = this.#state === "first line" ? this.#readFirstLine(chunk) : this.#decide(chunk);
    // Asked afterwards: a chunk may be larger than a row and hold many.
    const isUndecided = rows.length === 0 && !this.#isLines();
    if (!isUndecided || this.#heldBytes <= this.#start.maxRowBytes) return rows;
    return [firstRowTooLarge(this.#start.offset, this.#start.maxRowBytes)];
  }

  #isLines(): boolean {
    return this.#lines !== undefined;
  }

  end(): readonly ScannedRow[] {
    if (this.#lines !== undefined) return this.#lines.end();
    if (this.#state === "document" && this.#syntax.completeAt === undefined) {
      return this.#badDocument(this.#heldBytes, "it ends too early");
    }
    const byteOffset = this.#start.offset;
    return [{ kind: "bytes", byteOffset, resumeOffset: null, bytes: this.#text() }];
  }

  /** What is held, in one piece. */
  #text(): Buffer {
    const text = Buffer.concat(this.#held);
    this.#held = [text];
    return text;
  }

  #readFirstLine(chunk: Buffer): readonly ScannedRow[] {
    const newline = chunk.indexOf(NEWLINE);
    if (newline < 0) return [];
    const text = this.#text();
    const lineEnd = text.length - chunk.length + newline + 1;
    return this.#judgeFirstLine(text.subarray(0, lineEnd)) ?? this.#decide(text.subarray(lineEnd));
  }

  /** Undefined: the next bytes decide. */
  #judgeFirstLine(line: Buffer): readonly ScannedRow[] | undefined {
    const brokenAt = this.#syntax.push(line);
    if (brokenAt === undefined && this.#syntax.completeAt !== undefined) return this.#asLines();
    this.#state = brokenAt === undefined ? "document" : "broken";
    this.#brokenAt = brokenAt ?? 0;
    return undefined;
  }

  /** Looks at bytes behind the first line. */
  #decide(bytes: Buffer): readonly ScannedRow[] {
    if (this.#state === "broken") {
      const next = findNonBlank(bytes, 0);
      if (next === bytes.length) return [];
      return bytes[next] === OPEN_BRACE ? this.#asLines() : this.#badDocument(this.#brokenAt);
    }
    const brokenAt = this.#syntax.push(bytes);
    if (brokenAt === undefined) return [];
    if (this.#syntax.completeAt !== undefined) return [this.#trailing(brokenAt)];
    return this.#beginsLine(brokenAt) ? this.#asLines() : this.#badDocument(brokenAt);
  }

  #asLines(): readonly ScannedRow[] {
    this.#lines = new LineScanner(this.#start, false);
    const text = this.#text();
    this.#held = [];
    return this.#lines.push(text);
  }

  /** True when a brace stands there and nothing but blanks between it and the newline before. */
  #beginsLine(at: number): boolean {
    const text = this.#text();
    let before = at - 1;
    while (before >= 0 && text[before] !== NEWLINE && isBlank(text[before])) before--;
    return text[at] === OPEN_BRACE && text[before] === NEWLINE;
  }

  #badDocument(at: number, problem = "it breaks here"): readonly ScannedRow[] {
    const message = this.#syntax.isTooDeep
      ? `it nests more than ${String(MAX_JSON_DEPTH)} levels deep: flatten it`
      : `it is not valid JSON: ${problem}`;
    const code = this.#syntax.isTooDeep ? "row_too_deep" : "invalid_json";
    return [
      { kind: "bad", byteOffset: this.#start.offset + at, resumeOffset: null, code, message },
      { kind: "end" },
    ];
  }

  #trailing(at: number): ScannedRow {
    return {
      kind: "failure",
      byteOffset: this.#start.offset + at,
      code: "corrupt_data",
      message:
        "more data follows the JSON object: a file holds one JSON object, one JSON array, or one JSON object per line",
    };
  }
}
