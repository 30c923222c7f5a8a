import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { wholeNumber } from "../texts.ts";

/** A page of tasks is held in memory with all annotations on it. */
const MAX_TASK_PAGE = 1_000;
/** More than eyes look at, or than a process should hold. */
const UPPER_BOUND = 10_000;

/** How much the lists of the compatible wire give (ls-api §7.7). */
export const listsSlice = defineSlice({
  name: "lists",
  schema: z.object({
    previewFiles: wholeNumber(1, UPPER_BOUND),
    // Zero is the contract's "no limit".
    maxTaskPage: wholeNumber(0, UPPER_BOUND).transform((tasks) => tasks || MAX_TASK_PAGE),
  }),
  variables: {
    previewFiles: {
      env: "DEFAULT_STORAGE_LIST_LIMIT",
      contract: true,
      default: "100",
      meaning: "objects in the preview of a source that does not say how many",
    },
    maxTaskPage: {
      env: "TASK_API_PAGE_SIZE_MAX",
      contract: true,
      default: "0",
      meaning: `largest page_size of lists of tasks; 0 is ${String(MAX_TASK_PAGE)}`,
    },
  },
});
