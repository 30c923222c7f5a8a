import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { flag, wholeNumber } from "../texts.ts";

const MIB = 1024 * 1024;

const hostPrefix = z
  .string()
  .refine(
    (text) => ["http:", "https:"].includes(URL.parse(text)?.protocol ?? ""),
    "must be a URL that starts with http:// or https://",
  )
  .transform((text) => text.replace(/\/+$/, ""));

/** Where and how the API listens. */
export const httpSlice = defineSlice({
  name: "http",
  schema: z.object({
    port: wholeNumber(0, 65_535),
    host: z.string(),
    hostPrefix: hostPrefix.optional(),
    trustProxy: flag,
    maxBodyBytes: wholeNumber(1, 1_024).transform((mebibytes) => mebibytes * MIB),
  }),
  variables: {
    port: {
      env: "PORT",
      default: "8080",
      meaning: "port that the API listens on; 0 takes a free one",
    },
    host: { env: "HOST", default: "127.0.0.1", meaning: "address that the API listens on" },
    hostPrefix: {
      env: "LABEL_STUDIO_HOST",
      defaultText: "empty: paths without a host",
      meaning: "prefix of the URLs that stand in tasks, for example https://label.example.org",
    },
    trustProxy: {
      env: "BUCKETBRIDGE_TRUST_PROXY",
      default: "false",
      meaning: "believe the X-Forwarded headers of a reverse proxy in front",
    },
    maxBodyBytes: {
      env: "BUCKETBRIDGE_MAX_BODY_MIB",
      default: "64",
      meaning: "largest request body in MiB",
    },
  },
});
