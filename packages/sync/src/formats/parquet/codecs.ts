import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import type { Compressors } from "hyparquet";

/** Writes exactly `length` bytes, or throws. */
export type Decompress = (stored: Uint8Array, length: number) => Uint8Array;

/** Decompressors by the names that hyparquet gives to codecs. */
export type Codecs = Readonly<Partial<Record<keyof Compressors, Decompress>>>;

/**
 * Decompressors that cannot be made to write more than the page header says (which is bounded): Node's own where it has them, with a cap on
 * their output. Loads WebAssembly for the others, of which each step writes into a buffer of that size.
 */
export async function loadCodecs(): Promise<Codecs> {
  const { compressors } = await import("hyparquet-compressors");
  const { SNAPPY, LZ4, LZ4_RAW } = compressors;
  return {
    UNCOMPRESSED: (stored) => stored,
    ...(SNAPPY === undefined ? {} : { SNAPPY }),
    ...(LZ4 === undefined ? {} : { LZ4 }),
    ...(LZ4_RAW === undefined ? {} : { LZ4_RAW }),
    GZIP: (stored, length) => capped(gunzipSync, stored, length),
    BROTLI: (stored, length) => capped(brotliDecompressSync, stored, length),
    ZSTD: (stored, length) => capped(zstdDecompressSync, stored, length),
  };
}

type NodeDecompress = (
  stored: Uint8Array,
  options: { readonly maxOutputLength: number },
) => Uint8Array;

function capped(decompress: NodeDecompress, stored: Uint8Array, length: number): Uint8Array {
  if (length === 0) return new Uint8Array(0);
  return decompress(stored, { maxOutputLength: length });
}
