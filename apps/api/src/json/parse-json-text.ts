import { AppError } from "@bucketbridge/core";
import { toPythonParseError } from "./python-json-error.ts";

/** A JSON text that is no body of a request; what is wrong with it is `corrupt_data` in the words of the contract. */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new AppError({
      code: "corrupt_data",
      reason: "upload.bad_json",
      message: `JSON parse error - ${toPythonParseError(error, text)}`,
      cause: error,
    });
  }
}
