import { MAX_DECODED_RATIO, MAX_ROW_BYTES } from "@bucketbridge/core";

/** Bounds that an operator may move. */
export interface ReadLimits {
  /** Largest row; a longer one is a problem `row_too_large`. Acts as at most `HIGHEST_ROW_BYTES`. */
  readonly maxRowBytes: number;
  /** Decoded bytes of a Parquet file per stored byte; beyond is a problem `ratio_too_large`. */
  readonly maxDecodedRatio: number;
}

/** What holds when nobody says otherwise. */
export const DEFAULT_READ_LIMITS: ReadLimits = {
  maxRowBytes: MAX_ROW_BYTES,
  maxDecodedRatio: MAX_DECODED_RATIO,
};

/** `jsonb` takes no larger string, and V8 none of twice the size. */
const HIGHEST_ROW_BYTES = 256 * 1024 * 1024 - 1;

/** The limits as they act. */
export function toEffectiveLimits(limits: ReadLimits = DEFAULT_READ_LIMITS): ReadLimits {
  return { ...limits, maxRowBytes: Math.min(limits.maxRowBytes, HIGHEST_ROW_BYTES) };
}
