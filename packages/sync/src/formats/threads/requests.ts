import type { BadRowItem, RowItem } from "../items.ts";
import type { ParquetLayout } from "../parquet/layout.ts";
import type { OpenedFile } from "../parquet/parquet-decoder.ts";
import type { FilePart } from "../parquet/range-reader.ts";
import type { RowSpot } from "../row-item.ts";

/** What a parsing thread can be asked for, and its answer: plain data that can be cloned. */
export interface ParseRequests {
  /** One row of a JSON file. */
  "json.row": {
    readonly in: { readonly bytes: Uint8Array; readonly spot: RowSpot };
    readonly out: RowItem | BadRowItem;
  };
  /** Begins a Parquet file; the thread forgets the one before. */
  "parquet.open": {
    readonly in: { readonly footer: Uint8Array; readonly file: OpenedFile };
    readonly out: ParquetLayout;
  };
  "parquet.load": {
    readonly in: {
      readonly group: number;
      readonly parts: readonly FilePart[];
      readonly fromRow: number;
    };
    readonly out: null;
  };
  "parquet.next": { readonly in: null; readonly out: readonly (RowItem | BadRowItem)[] };
  /** Lets go of the Parquet file. */
  "parquet.close": { readonly in: null; readonly out: null };
}

/** Names of the requests. */
export type ParseRequestName = keyof ParseRequests;

/** A request on its way to a thread. */
export interface ParseMessage<Name extends ParseRequestName = ParseRequestName> {
  readonly name: Name;
  readonly input: ParseRequests[Name]["in"];
}

/** The answer of a thread: the output, a problem of the file (an `AppError` by its parts), or an error that is our bug. */
export type ParseAnswer =
  | { readonly kind: "output"; readonly output: unknown }
  | { readonly kind: "problem"; readonly code: string; readonly message: string }
  | { readonly kind: "error"; readonly message: string };
