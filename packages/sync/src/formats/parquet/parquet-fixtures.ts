import { Buffer } from "node:buffer";
import { AppError } from "@bucketbridge/core";
import { deserializeTCompactProtocol } from "hyparquet/src/thrift.js";
import { ByteWriter, parquetWriteBuffer, type ParquetWriteOptions } from "hyparquet-writer";
import { serializeTCompactProtocol } from "hyparquet-writer/src/thrift.js";
import type { TaskFileItem } from "../items.ts";
import type { ParseThreads } from "../threads/parse-threads.ts";
import type { RangeReader } from "./range-reader.ts";
import { readParquetFile } from "./read-parquet-file.ts";

/** Fields of a Thrift struct by `field_<id>`. */
export type RawStruct = Record<`field_${number}`, unknown>;

const TRAILER_BYTES = 8;

/** A Parquet file of these columns. */
export function aParquet(options: Omit<ParquetWriteOptions, "writer">): Buffer {
  return Buffer.from(parquetWriteBuffer(options));
}

/** The same file with another footer. */
export function withFooter(file: Buffer, change: (footer: RawStruct) => void): Buffer {
  const start = footerStart(file);
  const view = new DataView(file.buffer, file.byteOffset + start, file.length - start);
  const footer = deserializeTCompactProtocol({ view, offset: 0 });
  change(footer);
  const writer = new ByteWriter();
  serializeTCompactProtocol(writer, inFieldOrder(footer) as RawStruct);
  return withRawFooter(file.subarray(0, start), writer.getBytes());
}

/** Thrift wants ascending field ids; a change may have added one at the end. */
function inFieldOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inFieldOrder);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const fields = Object.entries(value).sort(([a], [b]) => Number(a.slice(6)) - Number(b.slice(6)));
  return Object.fromEntries(fields.map(([id, field]) => [id, inFieldOrder(field)]));
}

/** Any bytes as the footer of a file that begins with `body`. */
export function withRawFooter(body: Uint8Array, footer: Uint8Array): Buffer {
  const trailer = Buffer.from("....PAR1");
  trailer.writeUInt32LE(footer.length);
  return Buffer.concat([body, footer, trailer]);
}

function footerStart(file: Buffer): number {
  return file.length - TRAILER_BYTES - file.readUInt32LE(file.length - TRAILER_BYTES);
}

/** The file as an object of a store; counts the bytes that were asked for. */
export function toReader(file: Buffer): RangeReader & { readonly reads: number[] } {
  const reads: number[] = [];
  return {
    byteLength: file.length,
    reads,
    read: (offset, length) => {
      if (length <= 0 || offset < 0 || offset + length > file.length)
        throw new AppError({ code: "internal", message: "a read outside of the file" });
      reads.push(length);
      return Promise.resolve(Uint8Array.from(file.subarray(offset, offset + length)));
    },
  };
}

/** All items of the file from a row on. */
export async function readAll(
  file: Buffer,
  threads: ParseThreads,
  rowsRead = 0,
): Promise<TaskFileItem[]> {
  const checkpoint = { rowsRead, byteOffset: null };
  const items: TaskFileItem[] = [];
  for await (const item of readParquetFile(toReader(file), {
    key: "a.parquet",
    checkpoint,
    threads,
  }))
    items.push(item);
  return items;
}
