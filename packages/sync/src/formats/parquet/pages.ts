import {
  MAX_PARQUET_PAGE_BYTES,
  MAX_PARQUET_PAGE_VALUES,
  MAX_PARSED_BYTES,
} from "@bucketbridge/core";
import { checkLevels, countPresent, levelWidth } from "./levels.ts";
import { checkValues } from "./page-values.ts";
import { corruptParquet, parquetProblem } from "./problems.ts";
import { checkRuns } from "./runs.ts";
import type { ParquetColumn } from "./schema.ts";
import { ThriftWalker, type ThriftStruct } from "./thrift.ts";

/** Page types and field ids of Parquet's `PageHeader`. */
const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;
const DATA_PAGE_V2 = 3;
const FIELD = { type: 1, decodedSize: 2, storedSize: 3, data: 5, dictionary: 7, dataV2: 8 };

/** A header has some 20 values, statistics included. */
const MAX_HEADER_VALUES = 200;

/** Pages of one column chunk; 128 MiB in pages of a kilobyte. */
const MAX_PAGES = 131_072;

/** What a decoded value takes at most beside its bytes: a string, its place in lists, the lists around it. */
const VALUE_BYTES = 96;

/** One column chunk of a row group. */
export interface ColumnChunk {
  readonly column: ParquetColumn;
  /** Values that the footer says it has. */
  readonly values: number;
  /** Writes exactly `length` bytes or throws; bounded by it. */
  readonly decompress: (stored: Uint8Array, length: number) => Uint8Array;
}

/**
 * Checks the pages of one column chunk before a decoder trusts them: sizes within the chunk, bounded decoded sizes and numbers of values, as
 * many values in all as the footer says, and no code that stands for more values than its page. Each page is decompressed for it and let
 * go. Throws a Parquet problem, or whatever `decompress` throws.
 */
export function checkPages(bytes: Uint8Array, chunk: ColumnChunk): void {
  const { column } = chunk;
  const weights: number[] = [];
  let offset = 0;
  let values = 0;
  // Some writers pad a chunk with a byte; decoders stop there too.
  while (offset < bytes.length - 1) {
    if (weights.length > MAX_PAGES) throw corruptParquet("a column has too many pages");
    const walker = new ThriftWalker(bytes, offset, MAX_HEADER_VALUES);
    const header = walker.readStruct();
    const start = walker.offset;
    offset = start + countOf(header, FIELD.storedSize);
    if (offset > bytes.length) throw corruptParquet("a page is longer than its column");
    const inPage = checkPage({ header, stored: bytes.subarray(start, offset) }, chunk);
    values += inPage;
    weights.push(countOf(header, FIELD.decodedSize) + inPage * VALUE_BYTES);
  }
  if (values !== chunk.values)
    throw corruptParquet("the pages of a column do not have the values that it says");
  checkWeight(weights, column);
}

/** A flat column is decoded a page or two at a time, a nested one as a whole. */
function checkWeight(weights: readonly number[], column: ParquetColumn): void {
  if (column.isFlat || weights.reduce((sum, weight) => sum + weight, 0) <= MAX_PARSED_BYTES) return;
  throw parquetProblem(
    "row_too_large",
    `column ${column.path.join(".").slice(0, 100)} of the Parquet file has too many values in one row group: write smaller row groups`,
  );
}

interface Page {
  readonly header: ThriftStruct;
  readonly stored: Uint8Array;
}

/** Number of values in the page, 0 for a dictionary. */
function checkPage(page: Page, chunk: ColumnChunk): number {
  const decodedSize = countOf(page.header, FIELD.decodedSize);
  if (decodedSize > MAX_PARQUET_PAGE_BYTES) {
    throw parquetProblem(
      "row_too_large",
      `a page of the Parquet file has ${String(decodedSize)} bytes, at most ${String(MAX_PARQUET_PAGE_BYTES)} are read: write smaller pages`,
    );
  }
  switch (page.header.get(FIELD.type)) {
    case DATA_PAGE:
      return checkDataPage(page, chunk, decodedSize);
    case DATA_PAGE_V2:
      return checkDataPageV2(page, chunk, decodedSize);
    case DICTIONARY_PAGE:
      if (valuesOf(structOf(page.header, FIELD.dictionary)) > decodedSize) {
        throw corruptParquet("a dictionary is longer than its page");
      }
      return 0;
    default:
      throw corruptParquet("a page is of no known type");
  }
}

function checkDataPage(
  { header, stored }: Page,
  { column, decompress }: ColumnChunk,
  decodedSize: number,
): number {
  const data = structOf(header, FIELD.data);
  const values = valuesOf(data);
  const bytes = decompress(stored, decodedSize);
  const start = checkLevels(bytes, values, column);
  checkValues(
    {
      bytes: bytes.subarray(start),
      encoding: data.get(2) as number | undefined,
      values,
      countPresent: () => countPresent(bytes, values, column),
      isV2: false,
    },
    column,
  );
  return values;
}

function checkDataPageV2(
  { header, stored }: Page,
  { column, decompress }: ColumnChunk,
  decodedSize: number,
): number {
  const data = structOf(header, FIELD.dataV2);
  const values = valuesOf(data);
  const nulls = countOf(data, 2);
  if (nulls > values || countOf(data, 3) > values)
    throw corruptParquet("a page has more rows or nulls than values");
  const definitions = countOf(data, 5);
  const repetitions = countOf(data, 6);
  if (repetitions + definitions > Math.min(stored.length, decodedSize)) {
    throw corruptParquet("the levels of a page are longer than the page");
  }
  const { maxRepetition, maxDefinition } = column;
  if (maxRepetition > 0) checkRuns(stored, 0, { width: levelWidth(maxRepetition), values });
  if (maxDefinition > 0)
    checkRuns(stored, repetitions, { width: levelWidth(maxDefinition), values });
  // Without levels of definition the decoder does not pass over them.
  const rest = stored.subarray(repetitions + (maxDefinition > 0 ? definitions : 0));
  const isCompressed = data.get(7) !== 0;
  checkValues(
    {
      bytes: isCompressed ? decompress(rest, decodedSize - repetitions - definitions) : rest,
      encoding: data.get(4) as number | undefined,
      values,
      countPresent: () => values - nulls,
      isV2: true,
    },
    column,
  );
  return values;
}

function valuesOf(page: ThriftStruct): number {
  const values = countOf(page, 1);
  if (values > MAX_PARQUET_PAGE_VALUES)
    throw corruptParquet("a page has more values than any writer puts into one");
  return values;
}

function countOf(struct: ThriftStruct, field: number): number {
  const value = struct.get(field);
  if (typeof value !== "number" || value < 0)
    throw corruptParquet("a size of a page is missing or negative");
  return value;
}

function structOf(struct: ThriftStruct, field: number): ThriftStruct {
  const value = struct.get(field);
  if (typeof value !== "object") throw corruptParquet("a page lacks its header");
  return value;
}
