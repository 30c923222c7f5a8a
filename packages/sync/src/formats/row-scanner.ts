import { Buffer } from "node:buffer";
import type { FileProblemCode, RowProblemCode } from "./items.ts";

/** What a scanner cut out of a file. `end`: nothing after it belongs to the file's rows, reading stops. */
export type ScannedRow =
  | {
      readonly kind: "bytes";
      readonly byteOffset: number;
      readonly resumeOffset: number | null;
      /** Valid until the next `push`. */
      readonly bytes: Buffer;
    }
  | {
      readonly kind: "bad";
      readonly byteOffset: number;
      readonly resumeOffset: number | null;
      readonly code: RowProblemCode;
      readonly message: string;
    }
  | {
      readonly kind: "failure";
      readonly byteOffset: number;
      readonly code: FileProblemCode;
      readonly message: string;
    }
  | { readonly kind: "end" };

/** Where the first chunk of a scanner begins in the file, and how large its rows may be. */
export interface ScanStart {
  readonly offset: number;
  readonly maxRowBytes: number;
}

/** Finds the rows of a file in its bytes, chunk by chunk, and holds no more than one row (`maxRowBytes` and a chunk). */
export interface RowScanner {
  /** Rows that end in this chunk, which follows the chunks before. Not called after `failure` or `end`. */
  push(chunk: Buffer): readonly ScannedRow[];
  /** Rows that the end of the file completes. */
  end(): readonly ScannedRow[];
}

/** The bytes of a row that has begun and not ended yet. Copies what it keeps; keeps nothing of a row that is too large. */
export class PartialRow {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Offset in the file of its first byte. */
  start = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes so far, kept or not. */
  get bytes(): number {
    return this.#bytes;
  }

  get isTooLarge(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  append(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.isTooLarge) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(Buffer.from(piece));
  }

  /** The whole row that `last` ends, and an empty partial row; undefined when it was too large. */
  take(last: Buffer): Buffer | undefined {
    const pieces = this.#pieces;
    const bytes = this.#bytes + last.length;
    this.#pieces = [];
    this.#bytes = 0;
    if (bytes > this.#maxBytes) return undefined;
    return pieces.length === 0 ? last : Buffer.concat([...pieces, last], bytes);
  }
}

/** Words for a row over `maxRowBytes`. */
export function tooLargeMessage(maxRowBytes: number): string {
  return `it has more than ${String(maxRowBytes)} bytes: split it, or move large values into files of their own`;
}

/**
 * The failure of a file whose first row is too large. It ends the file: a single line of many gigabytes would otherwise be
 * downloaded to its end for nothing.
 */
export function firstRowTooLarge(byteOffset: number, maxRowBytes: number): ScannedRow {
  return {
    kind: "failure",
    byteOffset,
    code: "row_too_large",
    message: `the first row cannot be read: ${tooLargeMessage(maxRowBytes)}`,
  };
}

/** True for the bytes that JSON allows between values. */
export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Index of the first byte at or after `from` that is not blank; the length when there is none. */
export function findNonBlank(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && isBlank(bytes[at])) at++;
  return at;
}
