import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { flag } from "../texts.ts";

/** Annotations out, as the API sees them. */
export const exportSlice = defineSlice({
  name: "export",
  schema: z.object({ syncOnCreation: flag }),
  variables: {
    syncOnCreation: {
      env: "SYNC_ON_TARGET_STORAGE_CREATION",
      contract: true,
      default: "true",
      meaning: "a new target storage is filled with all annotations of its project at once",
    },
  },
});
