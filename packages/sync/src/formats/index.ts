export {
  FILE_PROBLEM_CODES,
  ROW_PROBLEM_CODES,
  type BadRowItem,
  type FileFailureItem,
  type FileProblemCode,
  type ReadCheckpoint,
  type RowItem,
  type RowProblem,
  type RowProblemCode,
  type TaskFileItem,
} from "./items.ts";
export { DEFAULT_READ_LIMITS, type ReadLimits } from "./read-limits.ts";
export { readTaskFile, type ReadTaskFileOptions } from "./read-task-file.ts";
export { extensionFailure, isTaskFileKey, toTaskFileKind, type TaskFileKind } from "./task-file.ts";
export { readParquetFile, type ReadParquetFileOptions } from "./parquet/read-parquet-file.ts";
export type { RangeReader } from "./parquet/range-reader.ts";
export { ParseThreads, type ParseThreadsOptions } from "./threads/parse-threads.ts";
