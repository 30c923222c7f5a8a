import { Buffer } from "node:buffer";
import { AppError } from "@bucketbridge/core";
import { ParquetDecoder } from "../parquet/parquet-decoder.ts";
import { toRowItem } from "../row-item.ts";
import type { ParseRequestName, ParseRequests } from "./requests.ts";

/** Answers parse requests one after the other. Holds the Parquet file that was opened last. */
export class ParseHandlers {
  #parquet: ParquetDecoder | undefined;

  readonly #handlers: { readonly [Name in ParseRequestName]: Handler<Name> } = {
    "json.row": ({ bytes, spot }) =>
      toRowItem(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), spot),
    "parquet.open": async ({ footer, file }) => {
      this.#parquet = undefined;
      this.#parquet = await ParquetDecoder.open(footer, file);
      return this.#parquet.layout;
    },
    "parquet.load": async ({ group, parts, fromRow }) => {
      await this.#opened().loadGroup(group, parts, fromRow);
      return null;
    },
    "parquet.next": () => this.#opened().nextRows(),
    "parquet.close": () => {
      this.#parquet = undefined;
      return null;
    },
  };

  /** Throws Parquet problems. */
  async answer<Name extends ParseRequestName>(
    name: Name,
    input: ParseRequests[Name]["in"],
  ): Promise<ParseRequests[Name]["out"]> {
    return await this.#handlers[name](input);
  }

  #opened(): ParquetDecoder {
    if (this.#parquet !== undefined) return this.#parquet;
    throw new AppError({
      code: "internal",
      op: "parse.thread",
      message: "no parquet file is open in this thread",
    });
  }
}

type Handler<Name extends ParseRequestName> = (
  input: ParseRequests[Name]["in"],
) => ParseRequests[Name]["out"] | Promise<ParseRequests[Name]["out"]>;
