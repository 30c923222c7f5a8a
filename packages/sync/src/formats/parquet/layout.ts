import { FREE_DECODED_BYTES, MAX_PARQUET_GROUP_BYTES } from "@bucketbridge/core";
import type { ColumnMetaData, FileMetaData, RowGroup } from "hyparquet";
import { corruptParquet, parquetProblem } from "./problems.ts";
import type { ParquetColumn } from "./schema.ts";

/** Bytes of one column chunk in the file. */
export interface ChunkRange {
  readonly offset: number;
  readonly length: number;
}

/** One row group: what must be read for it, and which rows it has. */
export interface GroupLayout {
  readonly firstRow: number;
  readonly rows: number;
  /** In the order of the columns. */
  readonly chunks: readonly ChunkRange[];
}

/** Where the rows of a Parquet file stand, checked against the file. Plain data. */
export interface ParquetLayout {
  readonly rows: number;
  readonly groups: readonly GroupLayout[];
}

/** Size of the file, and how much more it may hold. */
export interface FileBounds {
  readonly fileBytes: number;
  readonly maxDecodedRatio: number;
}

/** What a row takes beside its values, here and in the database: rows of nothing are not free. */
export const ROW_OVERHEAD_BYTES = 128;

const CODECS: ReadonlySet<string> = new Set([
  "UNCOMPRESSED",
  "SNAPPY",
  "GZIP",
  "BROTLI",
  "ZSTD",
  "LZ4",
  "LZ4_RAW",
]);
const MAGIC_BYTES = 4;

/**
 * Checks what a footer says about the file: counts that add up and are not negative, ranges inside the file, known
 * codecs, bounded row groups, a bounded ratio. Throws a Parquet problem.
 */
export function checkLayout(
  metadata: FileMetaData,
  columns: readonly ParquetColumn[],
  file: FileBounds,
): ParquetLayout {
  const { fileBytes } = file;
  const groups: GroupLayout[] = [];
  let rows = 0;
  let decodedBytes = 0;
  for (const group of metadata.row_groups) {
    const layout = checkGroup(group, { columns, firstRow: rows, fileBytes });
    groups.push(layout);
    rows += layout.rows;
    for (const column of group.columns)
      decodedBytes += toCount(column.meta_data?.total_uncompressed_size);
  }
  if (rows !== toCount(metadata.num_rows))
    throw corruptParquet("its row groups do not have the rows that it says");
  checkRatio(decodedBytes, file);
  checkRatio(rows * ROW_OVERHEAD_BYTES, file);
  return { rows, groups };
}

/** Throws when `decodedBytes` are more than the file may hold. */
export function checkRatio(decodedBytes: number, file: FileBounds): void {
  const { fileBytes, maxDecodedRatio } = file;
  if (decodedBytes <= Math.max(FREE_DECODED_BYTES, fileBytes * maxDecodedRatio)) return;
  throw parquetProblem(
    "ratio_too_large",
    `the Parquet file unpacks to more than ${String(maxDecodedRatio)} times its size: write it with fewer repeated values per row`,
  );
}

interface GroupContext {
  readonly columns: readonly ParquetColumn[];
  readonly firstRow: number;
  readonly fileBytes: number;
}

function checkGroup(group: RowGroup, context: GroupContext): GroupLayout {
  const rows = toCount(group.num_rows);
  if (group.columns.length !== context.columns.length)
    throw corruptParquet("a row group lacks columns");
  const chunks = group.columns.map((column, index) => {
    if (column.file_path !== undefined || column.meta_data === undefined) {
      throw parquetProblem(
        "codec_unsupported",
        "the Parquet file keeps columns elsewhere or encrypted: write it as one plain file",
      );
    }
    const expected = context.columns[index];
    checkColumn(column.meta_data, expected, rows);
    return toRange(column.meta_data, context.fileBytes);
  });
  const groupBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (groupBytes > MAX_PARQUET_GROUP_BYTES) {
    throw parquetProblem(
      "row_too_large",
      `a row group of the Parquet file has ${String(groupBytes)} bytes, at most ${String(MAX_PARQUET_GROUP_BYTES)} are read: write smaller row groups`,
    );
  }
  return { firstRow: context.firstRow, rows, chunks };
}

function checkColumn(
  column: ColumnMetaData,
  expected: ParquetColumn | undefined,
  rows: number,
): void {
  const name = column.path_in_schema.join(".");
  if (name !== expected?.path.join("."))
    throw corruptParquet("the columns of a row group are not those of the schema");
  if (!CODECS.has(column.codec)) {
    throw parquetProblem(
      "codec_unsupported",
      `column ${name.slice(0, 100)} of the Parquet file has an unknown compression: use none, snappy, gzip, brotli, zstd or lz4`,
    );
  }
  const values = toCount(column.num_values);
  if (expected.isFlat ? values !== rows : values < rows)
    throw corruptParquet("a column has another number of values than rows");
}

function toRange(column: ColumnMetaData, fileBytes: number): ChunkRange {
  // A dictionary comes first; writers without one say 0 or nothing.
  const dictionary = toCount(column.dictionary_page_offset ?? 0n);
  const offset = dictionary === 0 ? toCount(column.data_page_offset) : dictionary;
  const length = toCount(column.total_compressed_size);
  if (offset < MAGIC_BYTES || offset + length > fileBytes)
    throw corruptParquet("a column lies outside of the file");
  return { offset, length };
}

/** A count or size of the footer as a number. */
function toCount(value: bigint | undefined): number {
  const count = Number(value ?? -1n);
  if (typeof value !== "bigint" || count < 0 || !Number.isSafeInteger(count)) {
    throw corruptParquet("a count or size is missing, negative or too large");
  }
  return count;
}
