import type { ErrorCode } from "@bucketbridge/core";

/** What docs/errors.md says about a code beyond the tables of packages/core. A new code does not compile without. */
export const ERROR_TEXTS: Readonly<
  Record<ErrorCode, { readonly meaning: string; readonly inRun: string }>
> = {
  invalid_input: { meaning: "the caller sent something wrong", inRun: "–" },
  invalid_config: { meaning: "saved settings cannot work", inRun: "the run fails" },
  unauthenticated: {
    meaning: "the store does not know the key, or it expired",
    inRun: "the run fails: renew the credentials",
  },
  permission_denied: {
    meaning: "the store knows the key and refuses",
    inRun: "the run fails and names the action",
  },
  not_found: {
    meaning: "object, bucket or row is missing",
    inRun: "object: skipped; bucket: the run fails",
  },
  already_exists: {
    meaning: "somebody else was first",
    inRun: "taken as done for the same revision",
  },
  precondition_failed: {
    meaning: "it changed meanwhile, or something must be done first",
    inRun: "read again, the newer revision wins",
  },
  conflict: { meaning: "two writers met", inRun: "tried again" },
  unsupported: {
    meaning: "this provider or place cannot do it",
    inRun: "the run fails before it lists",
  },
  corrupt_data: {
    meaning: "the bytes are not what they claim to be",
    inRun: "an issue with row and byte offset",
  },
  rate_limited: {
    meaning: "the store asks to slow down",
    inRun: "delayed, the attempt is not counted",
  },
  unavailable: { meaning: "the other side is down or cut the connection", inRun: "tried again" },
  timeout: { meaning: "our deadline passed", inRun: "tried again" },
  canceled: { meaning: "the caller or a shutdown stopped it", inRun: "the run is canceled" },
  internal: {
    meaning: "a bug of ours, or an error that nobody classified",
    inRun: "tried again; report it",
  },
};
