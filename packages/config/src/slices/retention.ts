import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { wholeNumber } from "../texts.ts";

const TEN_YEARS_DAYS = 3_650;

/** How long workers keep what nobody needs any more. */
export const retentionSlice = defineSlice({
  name: "retention",
  schema: z.object({
    solvedIssueDays: wholeNumber(1, TEN_YEARS_DAYS),
    runsPerStorage: wholeNumber(1, 100_000),
    tombstoneDays: wholeNumber(1, TEN_YEARS_DAYS),
    receiptDays: wholeNumber(1, TEN_YEARS_DAYS),
    oldPlaceDays: wholeNumber(1, TEN_YEARS_DAYS),
    auditDays: wholeNumber(1, TEN_YEARS_DAYS),
  }),
  variables: {
    solvedIssueDays: {
      env: "BUCKETBRIDGE_SOLVED_ISSUE_DAYS",
      default: "30",
      meaning: "days after which solved issues are dropped; open ones stay",
    },
    runsPerStorage: {
      env: "BUCKETBRIDGE_RUNS_PER_STORAGE",
      default: "200",
      meaning: "runs that a storage keeps, beside those with open issues",
    },
    tombstoneDays: {
      env: "BUCKETBRIDGE_TOMBSTONE_DAYS",
      default: "30",
      meaning: "days for which a late event cannot bring back an annotation that was deleted",
    },
    receiptDays: {
      env: "BUCKETBRIDGE_EVENT_RECEIPT_DAYS",
      default: "30",
      meaning: "days for which a repeated batch of annotation events gets its old answer",
    },
    oldPlaceDays: {
      env: "BUCKETBRIDGE_OLD_PLACE_DAYS",
      default: "7",
      meaning: "days after which deletes at a place that a target has left are given up",
    },
    auditDays: {
      env: "BUCKETBRIDGE_AUDIT_DAYS",
      default: "365",
      meaning: "days for which audit events are kept",
    },
  },
});
