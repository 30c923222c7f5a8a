import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { flag } from "../texts.ts";

/** Annotations out, as the API sees them. */
export const exportSlice = defineSlice({
  name: "export",
  schema: z.object({ syncOnCreation: flag, taskFormat: flag, taskJsonExtension: flag }),
  variables: {
    syncOnCreation: {
      env: "SYNC_ON_TARGET_STORAGE_CREATION",
      contract: true,
      default: "true",
      meaning: "a new target storage is filled with all annotations of its project at once",
    },
    taskFormat: {
      env: "FUTURE_SAVE_TASK_TO_STORAGE",
      contract: true,
      default: "false",
      meaning:
        "a new target storage that does not say what its objects are for holds one object per task",
    },
    taskJsonExtension: {
      env: "FUTURE_SAVE_TASK_TO_STORAGE_JSON_EXT",
      contract: true,
      default: "true",
      meaning: "with FUTURE_SAVE_TASK_TO_STORAGE: the keys of these objects end in .json",
    },
  },
});
