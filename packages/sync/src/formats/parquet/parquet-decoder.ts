import { isAppError } from "@bucketbridge/core";
import type { AsyncBuffer, Compressors, FileMetaData } from "hyparquet";
import type { BadRowItem, RowItem } from "../items.ts";
import { loadCodecs } from "./codecs.ts";
import { checkLayout, type GroupLayout, type ParquetLayout } from "./layout.ts";
import { checkPages } from "./pages.ts";
import { toParquetItem } from "./parquet-row.ts";
import { corruptParquet } from "./problems.ts";
import type { FilePart } from "./range-reader.ts";
import { VALUE_PARSERS } from "./values.ts";

/** Rows that are decoded at once: a page is decoded anew for each such window that it reaches into, and pages may have a million rows. */
const WINDOW_ROWS = 65_536;

/** Decoded bytes of a window by what the footer says; what it holds at once is a small multiple of it. */
const WINDOW_BYTES = 16 * 1024 * 1024;

/** Rows and bytes of one answer. */
const ANSWER_ROWS = 1_000;
const ANSWER_BYTES = 4 * 1024 * 1024;

/** Longest text of a decoder's own error that is passed on. */
const MAX_CAUSE_CHARS = 200;

/**
 * Decodes the rows of one Parquet file, row group by row group: `loadGroup`, then `nextRows` until it is empty. What the file claims is checked
 * before it is allocated for; the work between two answers may still be long, or not end (the decoder of run-length codes trusts its
 * input), so a process that serves others calls this in a thread with limits. Throws Parquet problems only.
 */
export class ParquetDecoder {
  readonly layout: ParquetLayout;
  readonly #metadata: FileMetaData;
  readonly #codecs: Compressors;
  #group: LoadedGroup | undefined;
  #rows: readonly Record<string, unknown>[] = [];
  /** Number in the file of the next row, and of the first of `#rows`. */
  #next = 0;
  #windowStart = 0;

  private constructor(metadata: FileMetaData, fileBytes: number, codecs: Compressors) {
    this.layout = checkLayout(metadata, fileBytes);
    this.#metadata = metadata;
    this.#codecs = codecs;
  }

  /** `footer` is that of a file of `fileBytes` bytes, with its trailer and checked by `readFooter`. */
  static async open(footer: Uint8Array, fileBytes: number): Promise<ParquetDecoder> {
    const codecs = await loadCodecs();
    return decoding(async () => {
      const { parquetMetadata } = await import("hyparquet");
      const metadata = parquetMetadata(footer, { parsers: VALUE_PARSERS, geoparquet: false });
      return new ParquetDecoder(metadata, fileBytes, codecs);
    });
  }

  /** Takes stored bytes of the file that hold all chunks of a row group. `nextRows` then begins at `fromRow` (counted over the file). */
  loadGroup(index: number, parts: readonly FilePart[], fromRow: number): void {
    const layout = this.layout.groups[index];
    if (layout === undefined) throw corruptParquet("a row group is missing");
    layout.chunks.forEach(({ offset, length }, column) => {
      const values = this.#metadata.row_groups[index]?.columns[column]?.meta_data?.num_values;
      checkPages(takeRange(parts, offset, offset + length), Number(values));
    });
    const file = {
      byteLength: Number.MAX_SAFE_INTEGER,
      slice: (start: number, end = start) => takeRange(parts, start, end).buffer,
    };
    this.#group = { layout, file, windowRows: this.#windowRows(index) };
    this.#rows = [];
    this.#next = Math.max(fromRow, layout.firstRow);
    this.#windowStart = this.#next;
  }

  /** The next rows of the group; empty at its end. */
  async nextRows(): Promise<readonly (RowItem | BadRowItem)[]> {
    const group = this.#group;
    if (group === undefined || this.#next >= group.layout.firstRow + group.layout.rows) {
      this.#group = undefined;
      return [];
    }
    if (this.#next >= this.#windowStart + this.#rows.length) await this.#decodeWindow(group);
    const items: (RowItem | BadRowItem)[] = [];
    let bytes = 0;
    for (let at = this.#next - this.#windowStart; at < this.#rows.length; at++) {
      const item = toParquetItem(this.#rows[at] ?? {}, this.#next++);
      items.push(item);
      bytes += item.kind === "row" ? item.sizeBytes : 0;
      if (items.length >= ANSWER_ROWS || bytes >= ANSWER_BYTES) break;
    }
    return items;
  }

  async #decodeWindow(group: LoadedGroup): Promise<void> {
    const { firstRow, rows } = group.layout;
    const rowStart = this.#next;
    const rowEnd = Math.min(rowStart + group.windowRows, firstRow + rows);
    this.#rows = await decoding(async () => {
      const { parquetReadObjects } = await import("hyparquet");
      return parquetReadObjects({
        file: group.file,
        metadata: this.#metadata,
        rowStart,
        rowEnd,
        compressors: this.#codecs,
        parsers: VALUE_PARSERS,
      });
    });
    this.#windowStart = rowStart;
    if (this.#rows.length !== rowEnd - rowStart)
      throw corruptParquet("a column has fewer rows than its row group");
  }

  #windowRows(index: number): number {
    const group = this.#metadata.row_groups[index];
    const bytes = group?.columns.reduce(
      (sum, column) => sum + Number(column.meta_data?.total_uncompressed_size ?? 0),
      0,
    );
    const rowBytes = Math.max(1, (bytes ?? 0) / Math.max(1, Number(group?.num_rows ?? 1)));
    return Math.max(1, Math.min(WINDOW_ROWS, Math.floor(WINDOW_BYTES / rowBytes)));
  }
}

interface LoadedGroup {
  readonly layout: GroupLayout;
  readonly file: AsyncBuffer;
  readonly windowRows: number;
}

/** A copy of the bytes from `start` to `end`; those that no part has are zero. */
function takeRange(
  parts: readonly FilePart[],
  start: number,
  end: number,
): Uint8Array<ArrayBuffer> {
  const range = new Uint8Array(end - start);
  for (const { offset, bytes } of parts) {
    const from = Math.max(start, offset);
    const to = Math.min(end, offset + bytes.length);
    if (from < to) range.set(bytes.subarray(from - offset, to - offset), from - start);
  }
  return range;
}

/** hyparquet throws plain errors for everything that is wrong with a file. */
async function decoding<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isAppError(error)) throw error;
    const cause = error instanceof Error ? error.message : "unknown";
    throw corruptParquet(
      cause.slice(0, MAX_CAUSE_CHARS).toWellFormed().replaceAll("\u0000", "\uFFFD"),
    );
  }
}
