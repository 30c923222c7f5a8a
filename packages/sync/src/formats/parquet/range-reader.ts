/** An object of known size that can be read in parts. */
export interface RangeReader {
  readonly byteLength: number;
  /** Exactly `length` bytes from `offset` on; the range is never empty and lies within the object. Whoever implements it bounds time. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Some bytes of a file and where they stand. */
export interface FilePart {
  readonly offset: number;
  readonly bytes: Uint8Array;
}
