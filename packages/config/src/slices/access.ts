import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { flag } from "../texts.ts";

/** Who gets in. */
export const accessSlice = defineSlice({
  name: "access",
  schema: z.object({
    openSignUp: flag,
  }),
  variables: {
    openSignUp: {
      env: "BUCKETBRIDGE_OPEN_SIGNUP",
      default: "false",
      meaning: "anybody who reaches the API may make an account with an organisation of its own",
    },
  },
});
