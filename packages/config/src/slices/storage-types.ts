import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { flag } from "../texts.ts";

/** Which kinds of storages are offered. */
export const storageTypesSlice = defineSlice({
  name: "storageTypes",
  schema: z.object({
    offered: z.enum(["all", "community"], "must be all or community"),
    gcsImpersonation: flag,
    localFiles: flag,
  }),
  variables: {
    offered: {
      env: "BUCKETBRIDGE_STORAGE_TYPES",
      default: "all",
      meaning: "community lists the five free types of the contract only",
    },
    gcsImpersonation: {
      env: "fflag_feat_bros_763_gcs_sa_impersonation",
      default: "false",
      meaning: "offer gcs_sa, Google Cloud Storage by service account impersonation",
    },
    localFiles: {
      env: "ENABLE_LOCAL_FILES_STORAGE",
      contract: true,
      default: "true",
      meaning: "offer localfiles; false takes the type out of lists and routes, whatever is served",
    },
  },
});
