import { MAX_PARQUET_FOOTER_BYTES, MAX_PARQUET_FOOTER_VALUES } from "@bucketbridge/core";
import { corruptParquet, parquetProblem } from "./problems.ts";
import type { RangeReader } from "./range-reader.ts";
import { ThriftWalker } from "./thrift.ts";

/** Length of the footer and the magic bytes. */
const TRAILER_BYTES = 8;
const MAGIC_BYTES = 4;

/** Nearly every footer fits, so that a file costs one request before its rows. */
const FIRST_READ_BYTES = 256 * 1024;

/**
 * Reads the footer of a Parquet file, with the trailer behind it. Its structure is checked before anything is allocated by
 * what it claims: length, nesting, number of values. Throws a Parquet problem, or what `reader` throws.
 */
export async function readFooter(reader: RangeReader): Promise<Uint8Array> {
  const { byteLength } = reader;
  if (byteLength < TRAILER_BYTES + MAGIC_BYTES) throw corruptParquet("it is too short");
  const tailLength = Math.min(byteLength, FIRST_READ_BYTES);
  const tail = await reader.read(byteLength - tailLength, tailLength);
  if (tail.length !== tailLength) throw corruptParquet("it is shorter than it should be");
  const footerLength = readLength(tail);
  const wanted = footerLength + TRAILER_BYTES;
  if (wanted > byteLength - MAGIC_BYTES) throw corruptParquet("its footer is longer than the file");
  if (footerLength > MAX_PARQUET_FOOTER_BYTES) {
    throw parquetProblem(
      "file_too_large",
      `the footer of the Parquet file has ${String(footerLength)} bytes, at most ${String(MAX_PARQUET_FOOTER_BYTES)} are read: write fewer, larger row groups`,
    );
  }
  const footer =
    wanted <= tail.length
      ? tail.subarray(tail.length - wanted)
      : await reader.read(byteLength - wanted, wanted);
  checkFooter(footer);
  return footer;
}

function readLength(tail: Uint8Array): number {
  const magic = String.fromCharCode(...tail.subarray(-MAGIC_BYTES));
  if (magic === "PARE") {
    throw parquetProblem(
      "codec_unsupported",
      "the Parquet file is encrypted: write it without encryption",
    );
  }
  if (magic !== "PAR1") throw corruptParquet("it does not end as a Parquet file does");
  const view = new DataView(
    tail.buffer,
    tail.byteOffset + tail.length - TRAILER_BYTES,
    TRAILER_BYTES,
  );
  return view.getUint32(0, true);
}

function checkFooter(footer: Uint8Array): void {
  const metadata = footer.subarray(0, footer.length - TRAILER_BYTES);
  new ThriftWalker(metadata, 0, MAX_PARQUET_FOOTER_VALUES).skipStruct();
}
