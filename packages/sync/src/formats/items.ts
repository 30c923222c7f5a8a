import type { LoadRow } from "../import/ports.ts";

/** What can be wrong with one row; the other rows of its file go on. */
export const ROW_PROBLEM_CODES = [
  "invalid_json",
  "invalid_utf8",
  "not_an_object",
  "row_too_large",
  "row_too_deep",
  "unstorable_text",
  "number_out_of_range",
  "data_missing",
  "annotation_invalid",
  "prediction_invalid",
  "value_unsupported",
  "parse_limit",
] as const;

/** What can be wrong with a file as a whole: reading ends there, rows before it stay. */
export const FILE_PROBLEM_CODES = [
  "not_json",
  "empty_file",
  "encoding_unsupported",
  "corrupt_data",
  "codec_unsupported",
  "row_too_large",
  "file_too_large",
  "ratio_too_large",
  "parse_limit",
] as const;

/** One of {@link ROW_PROBLEM_CODES}: the code of an issue with a row. */
export type RowProblemCode = (typeof ROW_PROBLEM_CODES)[number];

/** One of {@link FILE_PROBLEM_CODES}: the code of an issue with an object. */
export type FileProblemCode = (typeof FILE_PROBLEM_CODES)[number];

/** A problem of a row in words that may be stored and shown. */
export interface RowProblem {
  readonly code: RowProblemCode;
  readonly message: string;
}

/** Position of one row in its file. */
interface RowPlace {
  /** Counts from 0 over the whole file, bad rows included, blank lines not. */
  readonly rowIndex: number;
  /**
   * Where reading goes on when everything up to this row is saved: what `ReadCheckpoint.byteOffset` takes. Null where the
   * format has no such place: one JSON document (one row, read again as a whole) and Parquet (which resumes by row number).
   */
  readonly resumeOffset: number | null;
}

/** A row that loads. */
export interface RowItem extends RowPlace {
  readonly kind: "row";
  /** First byte of the row in the file; null in Parquet. */
  readonly byteOffset: number | null;
  readonly row: LoadRow;
  /** Set when an annotation or prediction of the row was left out because nothing of it could be kept. */
  readonly issue: RowProblem | null;
  /** Bytes that the row takes in memory and in a statement, for the size of a batch. */
  readonly sizeBytes: number;
}

/** A row that does not load. */
export interface BadRowItem extends RowPlace, RowProblem {
  readonly kind: "bad";
  /** The offending byte where it is known, else the first byte of the row; null in Parquet. */
  readonly byteOffset: number | null;
}

/** The file cannot be read, or not further. Always the last item; rows before it are good. */
export interface FileFailureItem {
  readonly kind: "failure";
  readonly rowIndex: -1;
  readonly byteOffset: number | null;
  readonly code: FileProblemCode;
  readonly message: string;
}

/** What the readers of task files yield, in file order. The end without a `failure` item means: read to the end. */
export type TaskFileItem = RowItem | BadRowItem | FileFailureItem;

/** How far an object was read, as a batch saved it. */
export interface ReadCheckpoint {
  /** Rows read, bad ones included. */
  readonly rowsRead: number;
  /** `resumeOffset` of the last of them. */
  readonly byteOffset: number | null;
}
