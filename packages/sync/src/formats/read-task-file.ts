import { Buffer } from "node:buffer";
import { readElement } from "./element.ts";
import { FileScanner, RestScanner } from "./file-scanner.ts";
import type { ReadCheckpoint, TaskFileItem } from "./items.ts";
import { readJson } from "./json-value.ts";
import type { RowScanner, ScannedRow } from "./row-scanner.ts";

/** How to read a task file. */
export interface ReadTaskFileOptions {
  /** For the words of failures. */
  readonly key: string;
  /**
   * Where an earlier reading of the same bytes was saved. `body` then begins at `checkpoint.byteOffset`, which must not be null (a body without bytes
   * when it is the size of the object); without a checkpoint it begins at 0.
   */
  readonly checkpoint?: (ReadCheckpoint & { readonly byteOffset: number }) | undefined;
}

/**
 * Reads a JSON task file: one object, an array, or JSON Lines (the content decides). Yields rows in file order, good and bad ones, and a
 * `failure` last when the file cannot be read to its end. Holds one row and one chunk, whatever the size of the file. Whoever stops
 * early, or gets a failure, has `body` returned, which ends its request: a first row over `MAX_ROW_BYTES` costs `MAX_ROW_BYTES` and a chunk.
 * Throws only what `body` throws.
 */
export async function* readTaskFile(
  body: AsyncIterable<Uint8Array>,
  options: ReadTaskFileOptions,
): AsyncGenerator<TaskFileItem, void, undefined> {
  const { checkpoint } = options;
  const scanner: RowScanner =
    checkpoint === undefined
      ? new FileScanner(options.key)
      : new RestScanner(checkpoint.byteOffset);
  let rowIndex = checkpoint?.rowsRead ?? 0;
  for await (const chunk of body) {
    for (const scanned of scanner.push(toBuffer(chunk))) {
      if (scanned.kind === "end") return;
      yield toItem(scanned, rowIndex);
      if (scanned.kind === "failure") return;
      rowIndex++;
    }
  }
  for (const scanned of scanner.end()) {
    if (scanned.kind !== "end") yield toItem(scanned, rowIndex++);
  }
}

function toBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk)
    ? chunk
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function toItem(scanned: Exclude<ScannedRow, { kind: "end" }>, rowIndex: number): TaskFileItem {
  if (scanned.kind === "failure") return { ...scanned, rowIndex: -1 };
  if (scanned.kind === "bad") return { ...scanned, rowIndex };
  const { byteOffset, resumeOffset, bytes } = scanned;
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
  return {
    kind: "row",
    rowIndex,
    byteOffset,
    resumeOffset,
    row: element.row,
    issue: element.issue,
    sizeBytes: bytes.length,
  };
}
