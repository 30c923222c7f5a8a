import { Secret } from "@bucketbridge/core";
import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { flag, list } from "../texts.ts";

const secretText = z.string().transform((text) => new Secret(text));

/** The contract's fallbacks for settings that a user left blank, and for whose buckets they are. */
export const ambientSlice = defineSlice({
  name: "ambient",
  schema: z.object({
    buckets: list,
    s3Endpoint: z.string().optional(),
    s3Region: z.string().optional(),
    s3EncryptsWrites: flag,
    awsAccessKeyId: secretText.optional(),
    awsSecretAccessKey: secretText.optional(),
    awsSessionToken: secretText.optional(),
  }),
  variables: {
    buckets: {
      env: "BUCKETBRIDGE_AMBIENT_BUCKETS",
      default: "",
      meaning:
        "buckets and containers whose storages may use the operator's own credentials although there are several organisations: `<external id of an organisation>:<bucket>` for that one alone, a bare name for every organisation that names it",
    },
    s3Endpoint: {
      env: "S3_ENDPOINT",
      contract: true,
      meaning:
        "endpoint of S3 storages that name none; its host may be a private one without BUCKETBRIDGE_EGRESS_ALLOW",
    },
    s3Region: { env: "S3_region", contract: true, meaning: "region of S3 storages that name none" },
    s3EncryptsWrites: {
      env: "fflag_feat_back_lsdv_3958_server_side_encryption_for_target_storage_short",
      default: "false",
      meaning: "S3 targets without a KMS key ask the store to encrypt what they write (AES256)",
    },
    awsAccessKeyId: {
      env: "AWS_ACCESS_KEY_ID",
      contract: true,
      meaning:
        "key of S3 storages without one, where the operator's own may be used, and of BUCKETBRIDGE_SOURCE=s3://…",
      secret: true,
    },
    awsSecretAccessKey: {
      env: "AWS_SECRET_ACCESS_KEY",
      contract: true,
      meaning: "the secret of AWS_ACCESS_KEY_ID",
      secret: true,
    },
    awsSessionToken: {
      env: "AWS_SESSION_TOKEN",
      contract: true,
      meaning: "the session token of AWS_ACCESS_KEY_ID, for temporary keys",
      secret: true,
    },
  },
});
