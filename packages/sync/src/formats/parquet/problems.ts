import { AppError, isAppError } from "@bucketbridge/core";
import type { FileProblemCode } from "../items.ts";

const OP = "parquet.read";

/** A Parquet file that is not what it claims: ends the file as `corrupt_data`. */
export function corruptParquet(problem: string): AppError {
  return parquetProblem("corrupt_data", `the Parquet file is damaged: ${problem}; write it again`);
}

/** A reason to end a Parquet file, in words that may be stored; becomes its failure item. */
export function parquetProblem(code: FileProblemCode, message: string, cause?: unknown): AppError {
  return new AppError({ code: "corrupt_data", reason: code, op: OP, message, cause });
}

/** The failure of the file that an error of a decoder stands for; undefined for errors that are none of the file's (a store, our bug in code outside). */
export function toFileProblem(
  error: unknown,
): { readonly code: FileProblemCode; readonly message: string } | undefined {
  if (!isAppError(error) || error.op !== OP) return undefined;
  return { code: error.reason as FileProblemCode, message: error.message };
}
