import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { list } from "../texts.ts";

/** What the platform tells its customers, and endpoints of identity services that are not the public ones. */
export const platformSlice = defineSlice({
  name: "platform",
  schema: z.object({
    outgoingAddresses: list,
    azureAuthorityHost: z.string().optional(),
    gceMetadataHost: z.string().optional(),
  }),
  variables: {
    outgoingAddresses: {
      env: "BUCKETBRIDGE_OUTGOING_ADDRESSES",
      default: "",
      meaning:
        "addresses and CIDRs from which this installation connects to storages, for customers who allow addresses",
    },
    azureAuthorityHost: {
      env: "AZURE_AUTHORITY_HOST",
      defaultText: "https://login.microsoftonline.com",
      meaning: "login host of a sovereign Azure cloud",
    },
    gceMetadataHost: {
      env: "GCE_METADATA_HOST",
      defaultText: "metadata.google.internal",
      meaning: "host and port of the metadata service of a Google Cloud machine",
    },
  },
});
