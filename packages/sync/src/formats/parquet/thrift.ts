import { corruptParquet } from "./problems.ts";

/** Types of Thrift's compact protocol that Parquet uses. */
const STOP = 0;
const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
const I16 = 4;
const I32 = 5;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const STRUCT = 12;

/** Structs in structs; Parquet's own nest 8 deep. */
const MAX_DEPTH = 32;
const MAX_VARINT32_BYTES = 5;
const MAX_VARINT64_BYTES = 10;

/** A struct by field id: integers of 32 bits, booleans as 1 and 0, and structs in it; other fields are passed over. */
export type ThriftStruct = ReadonlyMap<number, number | ThriftStruct>;

/**
 * Walks over Thrift's compact protocol without allocating for what it finds, before a decoder that allocates reads the same bytes. Refuses,
 * as corrupt: lengths beyond the bytes, integers longer than their type, types that Parquet does not have, more than `maxValues` values.
 */
export class ThriftWalker {
  readonly #bytes: Uint8Array;
  #valuesLeft: number;
  /** Where the next value begins. */
  offset: number;

  constructor(bytes: Uint8Array, offset: number, maxValues: number) {
    this.#bytes = bytes;
    this.offset = offset;
    this.#valuesLeft = maxValues;
  }

  /** Passes over one struct. */
  skipStruct(depth = 0): void {
    this.#walkStruct(depth, undefined);
  }

  /** Reads one struct: its 32-bit integers, booleans and structs. */
  readStruct(depth = 0): ThriftStruct {
    const fields = new Map<number, number | ThriftStruct>();
    this.#walkStruct(depth, fields);
    return fields;
  }

  #walkStruct(depth: number, fields: Map<number, number | ThriftStruct> | undefined): void {
    if (depth > MAX_DEPTH) throw corruptParquet("a structure nests too deep");
    let id = 0;
    for (;;) {
      const head = this.#byte();
      const type = head & 0x0f;
      if (type === STOP) return;
      const delta = head >> 4;
      id = delta === 0 ? unzigzag(this.#varint32()) : id + delta;
      if (fields === undefined) this.#skip(type, depth);
      else if (type === I16 || type === I32) fields.set(id, unzigzag(this.#counted()));
      else if (type === TRUE || type === FALSE) fields.set(id, type === TRUE ? 1 : 0);
      else if (type === STRUCT) fields.set(id, this.readStruct(depth + 1));
      else this.#skip(type, depth);
    }
  }

  #counted(): number {
    this.#count();
    return this.#varint32();
  }

  #count(): void {
    this.#valuesLeft--;
    if (this.#valuesLeft < 0) throw corruptParquet("a structure has too many values");
  }

  #skip(type: number, depth: number): void {
    this.#count();
    switch (type) {
      case TRUE:
      case FALSE:
        return;
      case BYTE:
        this.#advance(1);
        return;
      case I16:
      case I32:
        this.#varint32();
        return;
      case I64:
        this.#skipVarint64();
        return;
      case DOUBLE:
        this.#advance(8);
        return;
      case BINARY:
        this.#advance(this.#varint32());
        return;
      case LIST:
        this.#skipList(depth);
        return;
      case STRUCT:
        this.skipStruct(depth + 1);
        return;
      default:
        throw corruptParquet(`a structure has a value of the unknown type ${String(type)}`);
    }
  }

  #skipList(depth: number): void {
    if (depth > MAX_DEPTH) throw corruptParquet("a structure nests too deep");
    const head = this.#byte();
    const type = head & 0x0f;
    const size = head >> 4 === 15 ? this.#varint32() : head >> 4;
    if (size > this.#valuesLeft) throw corruptParquet("a list is longer than a file can need");
    for (let index = 0; index < size; index++) {
      // Booleans in a list take a byte each, unlike those in a struct.
      this.#skip(type === TRUE || type === FALSE ? BYTE : type, depth + 1);
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.offset];
    if (byte === undefined) throw corruptParquet("a structure ends too early");
    this.offset++;
    return byte;
  }

  #advance(length: number): void {
    this.offset += length;
    if (this.offset > this.#bytes.length) throw corruptParquet("a length points beyond the end");
  }

  /** Unsigned. */
  #varint32(): number {
    let result = 0;
    for (let index = 0; index < MAX_VARINT32_BYTES; index++) {
      const byte = this.#byte();
      result |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) return result >>> 0;
    }
    throw corruptParquet("an integer is too long");
  }

  #skipVarint64(): void {
    for (let index = 0; index < MAX_VARINT64_BYTES; index++) {
      if (this.#byte() < 0x80) return;
    }
    throw corruptParquet("an integer is too long");
  }
}

function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
