import { MAX_PARQUET_PAGE_BYTES } from "@bucketbridge/core";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { corruptParquet, parquetProblem } from "./problems.ts";
import { checkRuns } from "./runs.ts";
import type { ParquetColumn } from "./schema.ts";

/** Encodings by their numbers in the format. */
const ENCODING = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  deltaBinaryPacked: 5,
  deltaLengthByteArray: 6,
  deltaByteArray: 7,
  rleDictionary: 8,
  byteStreamSplit: 9,
};

const FIXED_WIDTHS: Readonly<Record<string, number>> = { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8 };

/** The values of a data page, decompressed and without their levels, and what its header says of them. */
export interface PageValues {
  readonly bytes: Uint8Array;
  readonly encoding: number | undefined;
  /** Values in the page, nulls included. */
  readonly values: number;
  /** Values that are not null. */
  countPresent(): number;
  readonly isV2: boolean;
}

/** Checks codes from which a decoder makes more than the bytes of the page. Throws a Parquet problem. */
export function checkValues(page: PageValues, column: ParquetColumn): void {
  const { bytes, encoding, values } = page;
  switch (encoding) {
    case ENCODING.plain:
    case ENCODING.deltaBinaryPacked:
    case ENCODING.deltaLengthByteArray:
      return;
    case ENCODING.plainDictionary:
    case ENCODING.rleDictionary:
    case ENCODING.rle:
      checkCodes(page, column);
      return;
    case ENCODING.byteStreamSplit:
      if (values * (FIXED_WIDTHS[column.type] ?? column.typeLength) > MAX_PARQUET_PAGE_BYTES) {
        throw corruptParquet("a page has more values than bytes");
      }
      return;
    case ENCODING.deltaByteArray:
      checkPrefixes(bytes, page.countPresent());
      return;
    default:
      throw parquetProblem(
        "codec_unsupported",
        `column ${column.path.join(".").slice(0, 100)} of the Parquet file has an unknown encoding: write it with another`,
      );
  }
}

function checkCodes({ bytes, encoding, values, isV2 }: PageValues, column: ParquetColumn): void {
  const isTruth = isV2 ? encoding === ENCODING.rle : column.type === "BOOLEAN";
  // Truth values have their length before them, dictionary codes their width (none at all for a width of 0 in version 1).
  if (isTruth) checkRuns(bytes, 4, { width: 1, values });
  else if (isV2 || bytes[0] !== 0) checkRuns(bytes, 1, { width: bytes[0] ?? 0, values });
}

/** Each value repeats a part of the one before: a chain of short codes can stand for any number of bytes. */
function checkPrefixes(bytes: Uint8Array, present: number): void {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
  let total = 0;
  for (let part = 0; part < 2; part++) {
    const lengths = new Int32Array(present);
    deltaBinaryUnpack(reader, present, lengths);
    for (const length of lengths) {
      if (length < 0) throw corruptParquet("a value has a negative length");
      total += length;
    }
  }
  if (total > MAX_PARQUET_PAGE_BYTES)
    throw parquetProblem(
      "ratio_too_large",
      "a page of the Parquet file unpacks to too many bytes: write smaller pages",
    );
}
