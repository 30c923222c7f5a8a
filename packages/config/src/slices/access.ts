import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { flag, wholeNumber } from "../texts.ts";

const MAX_RATE = 1_000_000;
const rate = wholeNumber(0, MAX_RATE);

/** Who gets in, and how often. Rates are those of one API process. */
export const accessSlice = defineSlice({
  name: "access",
  schema: z.object({
    openSignUp: flag,
    tokenRate: rate,
    tokenBurst: rate,
    mediaRate: rate,
    mediaBurst: rate,
    addressRate: rate,
    addressBurst: rate,
  }),
  variables: {
    openSignUp: {
      env: "BUCKETBRIDGE_OPEN_SIGNUP",
      default: "false",
      meaning: "anybody who reaches the API may make an account with an organisation of its own",
    },
    tokenRate: {
      env: "BUCKETBRIDGE_RATE_TOKEN",
      default: "50",
      meaning: "requests per second of one token or signed-in person; 0: no limit",
    },
    tokenBurst: {
      env: "BUCKETBRIDGE_RATE_TOKEN_BURST",
      default: "200",
      meaning: "requests that one token may send at once after a pause",
    },
    mediaRate: {
      env: "BUCKETBRIDGE_RATE_MEDIA",
      default: "500",
      meaning:
        "objects per second that one token or signed-in person may open, counted apart from other requests; 0: no limit",
    },
    mediaBurst: {
      env: "BUCKETBRIDGE_RATE_MEDIA_BURST",
      default: "2000",
      meaning: "objects that may be opened at once after a pause: a page of 100 tasks has hundreds",
    },
    addressRate: {
      env: "BUCKETBRIDGE_RATE_ADDRESS",
      default: "10",
      meaning: "requests per second of one network address without valid credentials; 0: no limit",
    },
    addressBurst: {
      env: "BUCKETBRIDGE_RATE_ADDRESS_BURST",
      default: "40",
      meaning: "such requests that one network address may send at once after a pause",
    },
  },
});
