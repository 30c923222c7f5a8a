import {
  IN_FLIGHT_BYTES,
  MAX_DECODED_RATIO,
  MAX_OBJECT_BYTES,
  MAX_ROW_BYTES,
} from "@bucketbridge/core";
import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { wholeNumber } from "../texts.ts";

const TEBIBYTE = 1024 ** 4;

/** Bounds of the import that an operator may move (design §13); each has an issue code. */
export const limitsSlice = defineSlice({
  name: "limits",
  schema: z.object({
    maxObjectBytes: wholeNumber(1, TEBIBYTE),
    maxRowBytes: wholeNumber(1, TEBIBYTE),
    maxDecodedRatio: wholeNumber(1, 1_000_000),
    inFlightBytes: wholeNumber(1, TEBIBYTE),
  }),
  variables: {
    maxObjectBytes: {
      env: "BUCKETBRIDGE_MAX_OBJECT_BYTES",
      default: String(MAX_OBJECT_BYTES),
      meaning: "largest task file in bytes; a larger one is an issue object_too_large",
    },
    maxRowBytes: {
      env: "BUCKETBRIDGE_MAX_ROW_BYTES",
      default: String(MAX_ROW_BYTES),
      meaning: "largest row of a task file in bytes; a larger one is an issue row_too_large",
    },
    maxDecodedRatio: {
      env: "BUCKETBRIDGE_MAX_DECODED_RATIO",
      default: String(MAX_DECODED_RATIO),
      meaning: "decoded bytes of a task file per stored byte; beyond is an issue ratio_too_large",
    },
    inFlightBytes: {
      env: "BUCKETBRIDGE_IN_FLIGHT_BYTES",
      default: String(IN_FLIGHT_BYTES),
      meaning: "bytes of task files that one worker process holds at a time",
    },
  },
});
