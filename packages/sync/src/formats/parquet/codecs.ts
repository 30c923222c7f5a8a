import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import type { Compressors } from "hyparquet";

/**
 * Decompressors that cannot be made to write more than the page header says (which is bounded): Node's own where it has them, with a cap on
 * their output. Loads WebAssembly for the others.
 */
export async function loadCodecs(): Promise<Compressors> {
  const { compressors } = await import("hyparquet-compressors");
  return {
    ...pick(compressors),
    GZIP: (input, length) => capped(gunzipSync, input, length),
    BROTLI: (input, length) => capped(brotliDecompressSync, input, length),
    ZSTD: (input, length) => capped(zstdDecompressSync, input, length),
  };
}

/** The formats of which each step of a decoder writes into a buffer of the size that was asked for. */
function pick({ SNAPPY, LZ4, LZ4_RAW }: Compressors): Compressors {
  return {
    ...(SNAPPY === undefined ? {} : { SNAPPY }),
    ...(LZ4 === undefined ? {} : { LZ4 }),
    ...(LZ4_RAW === undefined ? {} : { LZ4_RAW }),
  };
}

type Decompress = (input: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

function capped(decompress: Decompress, input: Uint8Array, length: number): Uint8Array {
  if (length === 0) return new Uint8Array(0);
  return decompress(input, { maxOutputLength: length });
}
