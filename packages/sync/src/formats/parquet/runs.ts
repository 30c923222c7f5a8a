import { corruptParquet } from "./problems.ts";

const MAX_VARINT_BYTES = 5;

/** Writers pad bit-packed runs to whole groups of eight, some to 63 groups. */
const MAX_PADDING = 504;

/**
 * Walks over runs of Parquet's hybrid of run-length and bit-packed codes without writing them out. A decoder writes as many values as a run says, whatever
 * it has room for: no run may be longer than `values`. Stops at `values` or the end of the bytes, which is an error for the decoder to find.
 */
export function checkRuns(
  bytes: Uint8Array,
  offset: number,
  shape: { readonly width: number; readonly values: number },
): void {
  const { width, values } = shape;
  if (width > 32) throw corruptParquet("a code is wider than 32 bits");
  let at = offset;
  let seen = 0;
  while (seen < values && at < bytes.length) {
    let header = 0;
    let length = 0;
    for (; ; length++) {
      if (length === MAX_VARINT_BYTES) throw corruptParquet("a run has a length without an end");
      const byte = bytes[at++] ?? 0;
      header |= (byte & 0x7f) << (7 * length);
      if (byte < 0x80) break;
    }
    const isPacked = (header & 1) === 1;
    const count = isPacked ? (header >> 1) * 8 : header >>> 1;
    if (count < 0 || count > values + MAX_PADDING)
      throw corruptParquet("a run is longer than its page");
    at += isPacked ? (count / 8) * width : (width + 7) >> 3;
    seen += count;
  }
}
