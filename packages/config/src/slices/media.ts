import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { wholeNumber } from "../texts.ts";

const GIBIBYTE = 1024 ** 3;

/** How media are streamed through the API (ls-api §7.7, `RESOLVER_PROXY_*`). */
export const mediaSlice = defineSlice({
  name: "media",
  schema: z.object({
    proxyMaxRangeBytes: wholeNumber(1, GIBIBYTE),
    proxyIdleMs: wholeNumber(1, 3_600).transform((seconds) => seconds * 1_000),
    proxyConcurrency: wholeNumber(1, 10_000),
    clientIdleMs: wholeNumber(1, 3_600).transform((seconds) => seconds * 1_000),
  }),
  variables: {
    proxyMaxRangeBytes: {
      env: "RESOLVER_PROXY_MAX_RANGE_SIZE",
      contract: true,
      default: String(8 * 1024 * 1024),
      meaning:
        "longest answer in bytes to a range request of an object that is streamed through the API",
    },
    proxyIdleMs: {
      env: "RESOLVER_PROXY_TIMEOUT",
      contract: true,
      default: "20",
      meaning:
        "seconds that a streamed object may stand still at its store before its connection is cut",
    },
    proxyConcurrency: {
      env: "BUCKETBRIDGE_PROXY_CONCURRENCY",
      default: "64",
      meaning: "objects of one organisation that one API process streams at a time; more wait",
    },
    clientIdleMs: {
      env: "BUCKETBRIDGE_PROXY_CLIENT_TIMEOUT",
      default: "120",
      meaning:
        "seconds that a client may stop reading a streamed object before its connection is cut and its place is free again",
    },
  },
});
