import { Buffer } from "node:buffer";
import { INLINE_ROW_BYTES } from "@bucketbridge/core";
import { FileScanner, RestScanner } from "./file-scanner.ts";
import type { BadRowItem, ReadCheckpoint, RowItem, TaskFileItem } from "./items.ts";
import { toFileProblem } from "./parquet/problems.ts";
import { toEffectiveLimits, type ReadLimits } from "./read-limits.ts";
import { toRowItem, type RowSpot } from "./row-item.ts";
import type { RowScanner, ScannedRow } from "./row-scanner.ts";
import { sharedParseThreads, type ParseThreads } from "./threads/parse-threads.ts";

/** How to read a task file. */
export interface ReadTaskFileOptions {
  /** For the words of failures. */
  readonly key: string;
  /**
   * Where an earlier reading of the same bytes was saved. `body` then begins at `checkpoint.byteOffset`, which must not be null (a body without bytes
   * when it is the size of the object); without a checkpoint it begins at 0.
   */
  readonly checkpoint?: (ReadCheckpoint & { readonly byteOffset: number }) | undefined;
  readonly limits?: ReadLimits | undefined;
  /** Threads that parse rows over `INLINE_ROW_BYTES`; those of the process when left out. */
  readonly threads?: ParseThreads | undefined;
}

/**
 * Reads a JSON task file: one object, an array, or JSON Lines (the content decides). Yields rows in file order, good and bad ones, and a
 * `failure` last when the file cannot be read to its end. Holds one row and one chunk, whatever the size of the file. Whoever stops
 * early, or gets a failure, has `body` returned, which ends its request: a first row over `maxRowBytes` costs `maxRowBytes` and a chunk.
 * Throws only what `body` throws.
 */
export async function* readTaskFile(
  body: AsyncIterable<Uint8Array>,
  options: ReadTaskFileOptions,
): AsyncGenerator<TaskFileItem, void, undefined> {
  const { checkpoint } = options;
  const { maxRowBytes } = toEffectiveLimits(options.limits);
  const scanner: RowScanner =
    checkpoint === undefined
      ? new FileScanner(options.key, maxRowBytes)
      : new RestScanner({ offset: checkpoint.byteOffset, maxRowBytes });
  let rowIndex = checkpoint?.rowsRead ?? 0;
  for await (const chunk of body) {
    for (const scanned of scanner.push(toBuffer(chunk))) {
      if (scanned.kind === "end") return;
      yield toItem(scanned, rowIndex, options.threads);
      if (scanned.kind === "failure") return;
      rowIndex++;
    }
  }
  for (const scanned of scanner.end()) {
    if (scanned.kind !== "end") yield toItem(scanned, rowIndex++, options.threads);
  }
}

function toBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk)
    ? chunk
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/** Without a promise for the common row, which is small. */
function toItem(
  scanned: Exclude<ScannedRow, { kind: "end" }>,
  rowIndex: number,
  threads: ParseThreads | undefined,
): TaskFileItem | Promise<TaskFileItem> {
  if (scanned.kind === "failure") return { ...scanned, rowIndex: -1 };
  if (scanned.kind === "bad") return { ...scanned, rowIndex };
  const { byteOffset, resumeOffset, bytes } = scanned;
  const spot = { rowIndex, byteOffset, resumeOffset };
  if (bytes.length <= INLINE_ROW_BYTES) return toRowItem(bytes, spot);
  return readLargeRow(bytes, spot, threads ?? sharedParseThreads());
}

async function readLargeRow(
  bytes: Buffer,
  spot: RowSpot,
  threads: ParseThreads,
): Promise<RowItem | BadRowItem> {
  try {
    return await threads.use((thread) => thread.ask("json.row", { bytes, spot }));
  } catch (error) {
    const problem = toFileProblem(error);
    if (problem?.code !== "parse_limit") throw error;
    return { kind: "bad", ...spot, code: "parse_limit", message: problem.message };
  }
}
