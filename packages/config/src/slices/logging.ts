import { z } from "zod";
import { defineSlice } from "../slice.ts";

/** What is logged. */
export const loggingSlice = defineSlice({
  name: "logging",
  schema: z.object({
    level: z.enum(
      ["debug", "info", "warn", "error", "silent"],
      "must be debug, info, warn, error or silent",
    ),
  }),
  variables: {
    level: {
      env: "BUCKETBRIDGE_LOG_LEVEL",
      default: "info",
      meaning: "least level that is logged: debug, info, warn, error or silent",
    },
  },
});
