import type { FileFailureItem, ReadCheckpoint, TaskFileItem } from "../items.ts";
import { toEffectiveLimits, type ReadLimits } from "../read-limits.ts";
import type { ParseThread } from "../threads/parse-thread.ts";
import { sharedParseThreads, type ParseThreads } from "../threads/parse-threads.ts";
import { readFooter } from "./footer.ts";
import { checkRatio, ROW_OVERHEAD_BYTES, type GroupLayout } from "./layout.ts";
import { corruptParquet, toFileProblem } from "./problems.ts";
import type { FilePart, RangeReader } from "./range-reader.ts";

/** How to read a Parquet file. */
export interface ReadParquetFileOptions {
  /** For the words of failures. */
  readonly key: string;
  /** Where an earlier reading of the same bytes was saved; only its `rowsRead` counts. */
  readonly checkpoint?: ReadCheckpoint | undefined;
  readonly limits?: ReadLimits | undefined;
  /** Threads that decode; those of the process when left out. */
  readonly threads?: ParseThreads | undefined;
}

/** Chunks of columns that stand next to each other are read together, up to this. */
const READ_BYTES = 8 * 1024 * 1024;

/** Bytes between two chunks that are read along rather than asked for in two requests. */
const GAP_BYTES = 64 * 1024;

/**
 * Reads a Parquet file row group by row group: its footer, then the bytes of each group once, in a few ranges. Yields rows in file order, good and bad
 * ones, and a `failure` last when the file cannot be read to its end: damaged, encrypted, an unknown codec, too large a group, a bomb. Rows
 * are numbered over the whole file; they have no byte offsets. Decoding runs in a thread with bounded heap and time. Holds one row group.
 * Throws only what `reader` throws.
 */
export async function* readParquetFile(
  reader: RangeReader,
  options: ReadParquetFileOptions,
): AsyncGenerator<TaskFileItem, void, undefined> {
  const threads = options.threads ?? sharedParseThreads();
  const thread = await threads.acquire();
  try {
    yield* readRows(reader, thread, options);
  } catch (error) {
    const problem = toFileProblem(error);
    if (problem === undefined) throw error;
    yield toFailure(options.key, problem);
  } finally {
    if (!thread.isDead) await thread.ask("parquet.close", null);
    threads.release(thread);
  }
}

async function* readRows(
  reader: RangeReader,
  thread: ParseThread,
  options: ReadParquetFileOptions,
): AsyncGenerator<TaskFileItem, void, undefined> {
  const fromRow = options.checkpoint?.rowsRead ?? 0;
  const limits = toEffectiveLimits(options.limits);
  const bounds = { fileBytes: reader.byteLength, maxDecodedRatio: limits.maxDecodedRatio };
  const footer = await readFooter(reader);
  const layout = await thread.ask("parquet.open", {
    footer,
    file: { fileBytes: reader.byteLength, limits },
  });
  let decodedBytes = 0;
  for (const [index, group] of layout.groups.entries()) {
    if (group.firstRow + group.rows <= fromRow) continue;
    const parts = await readParts(reader, group);
    const buffers = parts.flatMap(({ bytes }) => (ownsBuffer(bytes) ? [bytes.buffer] : []));
    await thread.ask("parquet.load", { group: index, parts, fromRow }, buffers);
    for (;;) {
      const items = await thread.ask("parquet.next", null);
      if (items.length === 0) break;
      for (const item of items) {
        decodedBytes += ROW_OVERHEAD_BYTES + (item.kind === "row" ? item.sizeBytes : 0);
        checkRatio(decodedBytes, bounds);
        yield item;
      }
    }
  }
}

/** The bytes of a group's column chunks, in as few ranges as make sense. */
async function readParts(reader: RangeReader, group: GroupLayout): Promise<readonly FilePart[]> {
  const ranges: { offset: number; end: number }[] = [];
  for (const { offset, length } of group.chunks.toSorted((a, b) => a.offset - b.offset)) {
    const last = ranges.at(-1);
    const end = offset + length;
    if (last !== undefined && offset - last.end <= GAP_BYTES && end - last.offset <= READ_BYTES) {
      last.end = Math.max(last.end, end);
    } else ranges.push({ offset, end });
  }
  const parts: FilePart[] = [];
  for (const { offset, end } of ranges) {
    if (end === offset) continue;
    const bytes = await reader.read(offset, end - offset);
    if (bytes.length !== end - offset) throw corruptParquet("it is shorter than it should be");
    parts.push({ offset, bytes });
  }
  return parts;
}

/** True when the buffer has nothing else in it and may move to the thread. */
function ownsBuffer(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
}

function toFailure(
  key: string,
  problem: Pick<FileFailureItem, "code" | "message">,
): FileFailureItem {
  const { code, message } = problem;
  return {
    kind: "failure",
    rowIndex: -1,
    byteOffset: null,
    code,
    message: `${key} cannot be read: ${message}`,
  };
}
