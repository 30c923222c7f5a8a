import { MAX_PARQUET_PAGE_BYTES, MAX_PARQUET_PAGE_VALUES } from "@bucketbridge/core";
import { corruptParquet, parquetProblem } from "./problems.ts";
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

/**
 * Checks the page headers of one column chunk before a decoder trusts them: sizes within the chunk, bounded decoded sizes and numbers of
 * values, and as many values in all as the footer says. Throws a Parquet problem.
 */
export function checkPages(chunk: Uint8Array, columnValues: number): void {
  let offset = 0;
  let values = 0;
  let pages = 0;
  // Some writers pad a chunk with a byte; decoders stop there too.
  while (offset < chunk.length - 1) {
    if (++pages > MAX_PAGES) throw corruptParquet("a column has too many pages");
    const walker = new ThriftWalker(chunk, offset, MAX_HEADER_VALUES);
    const header = walker.readStruct();
    const storedSize = countOf(header, FIELD.storedSize);
    offset = walker.offset + storedSize;
    if (offset > chunk.length) throw corruptParquet("a page is longer than its column");
    values += checkPage(header, storedSize);
  }
  if (values !== columnValues)
    throw corruptParquet("the pages of a column do not have the values that it says");
}

/** Number of values in the page, 0 for a dictionary. */
function checkPage(header: ThriftStruct, storedSize: number): number {
  const decodedSize = countOf(header, FIELD.decodedSize);
  if (decodedSize > MAX_PARQUET_PAGE_BYTES) {
    throw parquetProblem(
      "row_too_large",
      `a page of the Parquet file has ${String(decodedSize)} bytes, at most ${String(MAX_PARQUET_PAGE_BYTES)} are read: write smaller pages`,
    );
  }
  switch (header.get(FIELD.type)) {
    case DATA_PAGE:
      return valuesOf(structOf(header, FIELD.data));
    case DATA_PAGE_V2:
      return checkDataPageV2(structOf(header, FIELD.dataV2), storedSize, decodedSize);
    case DICTIONARY_PAGE:
      // Each value of a dictionary takes at least a byte.
      if (valuesOf(structOf(header, FIELD.dictionary)) > decodedSize)
        throw corruptParquet("a dictionary is longer than its page");
      return 0;
    default:
      throw corruptParquet("a page is of no known type");
  }
}

function checkDataPageV2(page: ThriftStruct, storedSize: number, decodedSize: number): number {
  const values = valuesOf(page);
  const nulls = countOf(page, 2);
  const levels = countOf(page, 5) + countOf(page, 6);
  if (nulls > values || countOf(page, 3) > values)
    throw corruptParquet("a page has more rows or nulls than values");
  if (levels > storedSize || levels > decodedSize)
    throw corruptParquet("the levels of a page are longer than the page");
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
