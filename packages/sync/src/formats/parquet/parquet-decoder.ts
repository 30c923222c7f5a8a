import { isAppError } from "@bucketbridge/core";
import type { AsyncBuffer, ColumnMetaData, FileMetaData } from "hyparquet";
import type { BadRowItem, RowItem } from "../items.ts";
import { loadCodecs, type Codecs, type Decompress } from "./codecs.ts";
import { checkLayout, type GroupLayout, type ParquetLayout } from "./layout.ts";
import { checkPages } from "./pages.ts";
import { toParquetItem } from "./parquet-row.ts";
import { corruptParquet } from "./problems.ts";
import type { FilePart } from "./range-reader.ts";
import { readColumns, type ParquetColumn } from "./schema.ts";
import type { ReadLimits } from "../read-limits.ts";
import { VALUE_PARSERS } from "./values.ts";

/** Rows that are decoded at once: a page is decoded anew for each such window that it reaches into, and pages may have a million rows. */
const WINDOW_ROWS = 16_384;

/** The same where a column is nested: such columns are decoded from the start of the row group for each window. */
const NESTED_WINDOW_ROWS = 131_072;

/** Decoded bytes of a window by what the footer says; what it holds at once is a small multiple of it. */
const WINDOW_BYTES = 16 * 1024 * 1024;

/** Rows and bytes of one answer. */
const ANSWER_ROWS = 1_000;
const ANSWER_BYTES = 4 * 1024 * 1024;

/** Longest text of a decoder's own error that is passed on. */
const MAX_CAUSE_CHARS = 200;

/**
 * Decodes the rows of one Parquet file, row group by row group: `loadGroup`, then `nextRows` until it is empty. What the file claims is
 * checked before memory is given for it. The work between two answers may take seconds, so a process that serves others does it in
 * a thread. Throws Parquet problems only.
 */
export class ParquetDecoder {
  readonly layout: ParquetLayout;
  readonly #limits: ReadLimits;
  readonly #metadata: FileMetaData;
  readonly #columns: readonly ParquetColumn[];
  /** Of top-level columns. */
  readonly #names: readonly string[];
  readonly #codecs: Codecs;
  #group: LoadedGroup | undefined;
  /** Values of the current window, one list per top-level column. */
  #window: readonly (readonly unknown[])[] = [];
  #windowStart = 0;
  #windowEnd = 0;
  /** Number in the file of the next row. */
  #next = 0;

  private constructor(metadata: FileMetaData, codecs: Codecs, file: OpenedFile) {
    this.#columns = readColumns(metadata.schema);
    this.#names = [...new Set(this.#columns.map(({ path }) => path[0] ?? ""))];
    const { fileBytes, limits } = file;
    this.layout = checkLayout(metadata, this.#columns, {
      fileBytes,
      maxDecodedRatio: limits.maxDecodedRatio,
    });
    this.#metadata = metadata;
    this.#codecs = codecs;
    this.#limits = limits;
  }

  /** `footer` is that of the file, with its trailer and checked by `readFooter`. */
  static async open(footer: Uint8Array, file: OpenedFile): Promise<ParquetDecoder> {
    const codecs = await loadCodecs();
    const { parquetMetadata } = await import("hyparquet");
    const metadata = await decoding(() =>
      parquetMetadata(footer, { parsers: VALUE_PARSERS, geoparquet: false }),
    );
    return new ParquetDecoder(metadata, codecs, file);
  }

  /** Takes stored bytes of the file that hold all chunks of a row group. `nextRows` then begins at `fromRow` (counted over the file). */
  async loadGroup(index: number, parts: readonly FilePart[], fromRow: number): Promise<void> {
    const layout = this.layout.groups[index];
    if (layout === undefined) throw corruptParquet("a row group is missing");
    const stored = this.#metadata.row_groups[index]?.columns.map((chunk) => chunk.meta_data) ?? [];
    await decoding(() => {
      layout.chunks.forEach(({ offset, length }, place) => {
        this.#checkChunk(
          takeRange(parts, offset, offset + length),
          stored[place],
          this.#columns[place],
        );
      });
    });
    const file = {
      byteLength: Number.MAX_SAFE_INTEGER,
      slice: (start: number, end = start) => takeRange(parts, start, end).buffer,
    };
    this.#group = { layout, file, windowRows: this.#countWindowRows(stored, layout.rows) };
    this.#next = Math.max(fromRow, layout.firstRow);
    this.#windowStart = this.#windowEnd = this.#next;
  }

  /** The next rows of the group; empty at its end. */
  async nextRows(): Promise<readonly (RowItem | BadRowItem)[]> {
    const group = this.#group;
    if (group === undefined) return [];
    if (this.#next >= this.#windowEnd) await this.#decodeWindow(group);
    const items: (RowItem | BadRowItem)[] = [];
    for (
      let bytes = 0;
      this.#next < this.#windowEnd && items.length < ANSWER_ROWS && bytes < ANSWER_BYTES;
      this.#next++
    ) {
      const item = this.#rowAt(this.#next);
      items.push(item);
      bytes += item.kind === "row" ? item.sizeBytes : 0;
    }
    if (items.length === 0) this.#group = undefined;
    return items;
  }

  #rowAt(row: number): RowItem | BadRowItem {
    const at = row - this.#windowStart;
    const entries = this.#names.map((name, column): [string, unknown] => [
      name,
      this.#window[column]?.[at],
    ]);
    return toParquetItem(entries, { rowIndex: row, maxRowBytes: this.#limits.maxRowBytes });
  }

  /** Column by column, so that the pages of one column only are in memory, and of the others the values of the window. */
  async #decodeWindow(group: LoadedGroup): Promise<void> {
    const { firstRow, rows } = group.layout;
    const rowEnd = Math.min(this.#next + group.windowRows, firstRow + rows);
    const window: unknown[][] = [];
    for (const name of this.#next < rowEnd ? this.#names : []) {
      const values = await this.#decodeColumn(group.file, name, rowEnd);
      if (values.length !== rowEnd - this.#next)
        throw corruptParquet("a column has fewer rows than its row group");
      window.push(values);
    }
    this.#window = window;
    this.#windowStart = this.#next;
    this.#windowEnd = rowEnd;
  }

  #decodeColumn(file: AsyncBuffer, name: string, rowEnd: number): Promise<unknown[]> {
    return decoding(async () => {
      const { parquetRead } = await import("hyparquet");
      let values: unknown[] = [];
      await parquetRead({
        file,
        metadata: this.#metadata,
        columns: [name],
        rowStart: this.#next,
        rowEnd,
        compressors: this.#codecs,
        parsers: VALUE_PARSERS,
        onComplete: (rows) => {
          values = rows.map((row: readonly unknown[]) => row[0]);
        },
      });
      return values;
    });
  }

  #countWindowRows(stored: readonly (ColumnMetaData | undefined)[], rows: number): number {
    const bytes = stored.reduce(
      (sum, column) => sum + Number(column?.total_uncompressed_size ?? 0),
      0,
    );
    const rowBytes = Math.max(1, bytes / Math.max(1, rows));
    const most = this.#columns.every(({ isFlat }) => isFlat) ? WINDOW_ROWS : NESTED_WINDOW_ROWS;
    return Math.max(1, Math.min(most, Math.floor(WINDOW_BYTES / rowBytes)));
  }

  #checkChunk(
    bytes: Uint8Array,
    stored: ColumnMetaData | undefined,
    column: ParquetColumn | undefined,
  ): void {
    const codec = stored === undefined ? undefined : this.#codecs[stored.codec];
    if (stored === undefined || column === undefined || codec === undefined)
      throw corruptParquet("a column is missing");
    const decompress: Decompress = (page, length) => {
      const decompressed = codec(page, length);
      if (decompressed.length !== length)
        throw corruptParquet("a page unpacks to another size than it says");
      return decompressed;
    };
    checkPages(bytes, { column, values: Number(stored.num_values), decompress });
  }
}

/** The file that is decoded, and what it may hold. */
export interface OpenedFile {
  readonly fileBytes: number;
  readonly limits: ReadLimits;
}

interface LoadedGroup {
  readonly layout: GroupLayout;
  /** The file as hyparquet reads it, of which only this group is there. */
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
async function decoding<Result>(work: () => Result | Promise<Result>): Promise<Result> {
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
