import { Secret } from "@bucketbridge/core";
import { z } from "zod";
import { defineSlice } from "../slice.ts";

const secretText = z.string().transform((text) => new Secret(text));

const blobEndpoint = z
  .string()
  .refine(
    (text) =>
      text.includes("{account}") &&
      ["http:", "https:"].includes(URL.parse(text.replaceAll("{account}", "x"))?.protocol ?? ""),
    "must be a URL with {account} in it, such as https://{account}.blob.core.usgovcloudapi.net",
  );

/** Where Azure is, and the contract's fallbacks for settings of Azure storages that a user left blank. */
export const azurePlatformSlice = defineSlice({
  name: "azurePlatform",
  schema: z.object({
    blobEndpoint: blobEndpoint.optional(),
    accountName: secretText.optional(),
    accountKey: secretText.optional(),
    tenantId: z.string().optional(),
    clientId: z.string().optional(),
    clientSecret: secretText.optional(),
  }),
  variables: {
    blobEndpoint: {
      env: "BUCKETBRIDGE_AZURE_BLOB_ENDPOINT",
      defaultText: "https://{account}.blob.core.windows.net",
      meaning:
        "where the blobs of an Azure account are: a sovereign cloud, or Azurite; {account} stands for its name",
    },
    accountName: {
      env: "AZURE_BLOB_ACCOUNT_NAME",
      contract: true,
      meaning: "account of Azure storages that name none, where the operator's own may be used",
      secret: true,
    },
    accountKey: {
      env: "AZURE_BLOB_ACCOUNT_KEY",
      contract: true,
      meaning: "the key of AZURE_BLOB_ACCOUNT_NAME",
      secret: true,
    },
    tenantId: {
      env: "AZURE_TENANT_ID",
      contract: true,
      meaning: "directory of service principal storages that name none",
    },
    clientId: {
      env: "AZURE_CLIENT_ID",
      contract: true,
      meaning: "app registration of service principal storages that name none",
    },
    clientSecret: {
      env: "AZURE_CLIENT_SECRET",
      contract: true,
      meaning: "the secret of AZURE_CLIENT_ID",
      secret: true,
    },
  },
});
