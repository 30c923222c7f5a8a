import { Buffer } from "node:buffer";
import { ArrayScanner } from "./array-scanner.ts";
import { DocumentScanner } from "./document-scanner.ts";
import type { FileProblemCode } from "./items.ts";
import { LineScanner } from "./line-scanner.ts";
import { findNonBlank, type RowScanner, type ScannedRow, type ScanStart } from "./row-scanner.ts";
import { notJsonFailure } from "./task-file.ts";

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const NEWLINE = 0x0a;
const COMMA = 0x2c;
const CLOSE_BRACKET = 0x5d;

/** Bytes that tell UTF-16 and UTF-32 from UTF-8, with and without a byte order mark. */
const HEAD_BYTES = 4;

/**
 * A task file from its first byte. The first character that is not blank decides, the name does not: `[` an array, `{` an object or JSON
 * Lines, anything else is no task file. A UTF-8 byte order mark is passed over, UTF-16 and UTF-32 are refused.
 */
export class FileScanner implements RowScanner {
  readonly #key: string;
  readonly #maxRowBytes: number;
  #head = Buffer.alloc(0);
  #offset = 0;
  #isHeadRead = false;
  #inner: RowScanner | undefined;

  /** `key` is for the words of failures. */
  constructor(key: string, maxRowBytes: number) {
    this.#key = key;
    this.#maxRowBytes = maxRowBytes;
  }

  push(chunk: Buffer): readonly ScannedRow[] {
    if (this.#inner !== undefined) return this.#inner.push(chunk);
    if (this.#isHeadRead) return this.#start(chunk);
    this.#head = Buffer.concat([this.#head, chunk]);
    return this.#head.length < HEAD_BYTES ? [] : this.#readHead();
  }

  end(): readonly ScannedRow[] {
    const rows = this.#inner === undefined && !this.#isHeadRead ? this.#readHead() : [];
    if (this.#inner !== undefined) return [...rows, ...this.#inner.end()];
    return rows.length > 0 ? rows : [this.#failure("empty_file", 0, notJsonFailure(this.#key))];
  }

  #readHead(): readonly ScannedRow[] {
    const head = this.#head;
    this.#isHeadRead = true;
    this.#head = Buffer.alloc(0);
    if (isWideEncoding(head)) {
      const message = `${this.#key} is encoded as UTF-16 or UTF-32: save it as UTF-8`;
      return [this.#failure("encoding_unsupported", 0, message)];
    }
    const mark = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
    this.#offset = mark;
    return this.#start(head.subarray(mark));
  }

  #start(chunk: Buffer): readonly ScannedRow[] {
    const at = findNonBlank(chunk, 0);
    this.#offset += at;
    if (at === chunk.length) return [];
    if (chunk[at] === OPEN_BRACE) this.#inner = new DocumentScanner(this.#startAt(this.#offset));
    else if (chunk[at] === OPEN_BRACKET)
      this.#inner = ArrayScanner.afterBracket(this.#startAt(this.#offset + 1));
    else return [this.#failure("not_json", this.#offset, notJsonFailure(this.#key))];
    return this.#inner.push(chunk.subarray(chunk[at] === OPEN_BRACE ? at : at + 1));
  }

  #startAt(offset: number): ScanStart {
    return { offset, maxRowBytes: this.#maxRowBytes };
  }

  #failure(code: FileProblemCode, byteOffset: number, message: string): ScannedRow {
    return { kind: "failure", byteOffset, code, message };
  }
}

/**
 * The rest of a task file from a `resumeOffset` on. The byte there tells the format, so that a checkpoint is two numbers: a newline
 * or the end of the file JSON Lines, a comma or closing bracket an array.
 */
export class RestScanner implements RowScanner {
  readonly #start: ScanStart;
  #inner: RowScanner | undefined;

  constructor(start: ScanStart) {
    this.#start = start;
  }

  push(chunk: Buffer): readonly ScannedRow[] {
    if (chunk.length === 0) return [];
    if (this.#inner === undefined) {
      const first = chunk[0];
      if (first === NEWLINE) this.#inner = new LineScanner(this.#start, true);
      else if (first === COMMA || first === CLOSE_BRACKET)
        this.#inner = ArrayScanner.afterElement(this.#start);
      else return [this.#misplaced()];
    }
    return this.#inner.push(chunk);
  }

  end(): readonly ScannedRow[] {
    return this.#inner?.end() ?? [];
  }

  #misplaced(): ScannedRow {
    return {
      kind: "failure",
      byteOffset: this.#start.offset,
      code: "corrupt_data",
      message:
        "reading cannot go on where it stopped: the object is another one than before, sync again",
    };
  }
}

/** JSON begins with two ASCII characters, or is one: a zero byte among the first four means two or four bytes per character. */
function isWideEncoding(head: Buffer): boolean {
  const isMarked = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  return isMarked || head.subarray(0, HEAD_BYTES).includes(0);
}
