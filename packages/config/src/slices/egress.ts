import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { list } from "../texts.ts";

/** Where storages may connect to. */
export const egressSlice = defineSlice({
  name: "egress",
  schema: z.object({ allow: list }),
  variables: {
    allow: {
      env: "BUCKETBRIDGE_EGRESS_ALLOW",
      default: "",
      defaultText: "empty; npm start: loopback, private",
      meaning:
        "addresses and names beyond public ones that storages may use: CIDRs, addresses, host names, loopback, private",
    },
  },
});
