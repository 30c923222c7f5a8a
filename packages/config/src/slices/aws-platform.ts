import { Secret } from "@bucketbridge/core";
import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { flag } from "../texts.ts";

const secretText = z.string().transform((text) => new Secret(text));

const endpoint = z
  .string()
  .refine(
    (text) => ["http:", "https:"].includes(URL.parse(text)?.protocol ?? ""),
    "must be a URL that starts with http:// or https://",
  );

const arn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:(iam|sts)::\d{0,12}:.+$/,
    "must look like arn:aws:iam::123456789012:role/name",
  );

/**
 * The identity with which the platform itself speaks to AWS, for AssumeRole alone: the names that every AWS program reads,
 * and our own where the operator wants another identity than those give.
 */
export const awsPlatformSlice = defineSlice({
  name: "awsPlatform",
  schema: z.object({
    accessKeyId: z.string().optional(),
    secretAccessKey: secretText.optional(),
    sessionToken: secretText.optional(),
    principalArn: arn.optional(),
    formerAccessKeyId: z.string().optional(),
    formerSecretAccessKey: secretText.optional(),
    formerRoleArn: arn.optional(),
    webIdentityTokenFile: z.string().optional(),
    roleArn: arn.optional(),
    roleSessionName: z.string().optional(),
    region: z.string().optional(),
    defaultRegion: z.string().optional(),
    stsEndpoint: endpoint.optional(),
    endpoint: endpoint.optional(),
    containerRelativeUri: z.string().startsWith("/", "must start with a slash").optional(),
    containerFullUri: endpoint.optional(),
    containerToken: secretText.optional(),
    containerTokenFile: z.string().optional(),
    metadataDisabled: flag,
    metadataEndpoint: endpoint.optional(),
  }),
  variables: {
    accessKeyId: {
      env: "BUCKETBRIDGE_AWS_ACCESS_KEY_ID",
      meaning: "key of the platform's own AWS principal, which assumes the roles of customers",
      secret: true,
    },
    secretAccessKey: {
      env: "BUCKETBRIDGE_AWS_SECRET_ACCESS_KEY",
      meaning: "the secret of BUCKETBRIDGE_AWS_ACCESS_KEY_ID",
      secret: true,
    },
    sessionToken: {
      env: "BUCKETBRIDGE_AWS_SESSION_TOKEN",
      meaning: "the session token of BUCKETBRIDGE_AWS_ACCESS_KEY_ID, for temporary keys",
      secret: true,
    },
    principalArn: {
      env: "BUCKETBRIDGE_AWS_PRINCIPAL_ARN",
      defaultText: "found out by sts:GetCallerIdentity",
      meaning: "the principal that customers name in the trust policy of their role",
    },
    formerAccessKeyId: {
      env: "BUCKETBRIDGE_AWS_FORMER_ACCESS_KEY_ID",
      meaning: "key of the principal before the current one, for storages with legacy_auth",
      secret: true,
    },
    formerSecretAccessKey: {
      env: "BUCKETBRIDGE_AWS_FORMER_SECRET_ACCESS_KEY",
      meaning: "the secret of BUCKETBRIDGE_AWS_FORMER_ACCESS_KEY_ID",
      secret: true,
    },
    formerRoleArn: {
      env: "BUCKETBRIDGE_AWS_FORMER_ROLE_ARN",
      meaning:
        "role that was the principal before the current one and that the current one may assume, for storages with legacy_auth",
    },
    webIdentityTokenFile: {
      env: "AWS_WEB_IDENTITY_TOKEN_FILE",
      meaning: "file with the token of the pod's service account (IRSA)",
    },
    roleArn: { env: "AWS_ROLE_ARN", meaning: "role of AWS_WEB_IDENTITY_TOKEN_FILE" },
    roleSessionName: {
      env: "AWS_ROLE_SESSION_NAME",
      defaultText: "bucketbridge",
      meaning: "session name of AWS_ROLE_ARN",
    },
    region: {
      env: "AWS_REGION",
      defaultText: "AWS_DEFAULT_REGION, else us-east-1",
      meaning: "region of the STS endpoint that the platform's principal uses",
    },
    defaultRegion: { env: "AWS_DEFAULT_REGION", meaning: "read where AWS_REGION is not set" },
    stsEndpoint: {
      env: "AWS_ENDPOINT_URL_STS",
      defaultText: "AWS's own for the region",
      meaning: "another STS, such as that of a private cloud",
    },
    endpoint: {
      env: "AWS_ENDPOINT_URL",
      meaning: "read where AWS_ENDPOINT_URL_STS is not set",
    },
    containerRelativeUri: {
      env: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
      meaning: "where an ECS task gets its credentials; set by ECS",
    },
    containerFullUri: {
      env: "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      meaning: "where a pod gets its credentials; set by EKS Pod Identity",
    },
    containerToken: {
      env: "AWS_CONTAINER_AUTHORIZATION_TOKEN",
      meaning: "sent to AWS_CONTAINER_CREDENTIALS_FULL_URI",
      secret: true,
    },
    containerTokenFile: {
      env: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
      meaning: "file with what is sent to AWS_CONTAINER_CREDENTIALS_FULL_URI",
    },
    metadataDisabled: {
      env: "AWS_EC2_METADATA_DISABLED",
      default: "false",
      meaning: "never ask the instance for its credentials",
    },
    metadataEndpoint: {
      env: "AWS_EC2_METADATA_SERVICE_ENDPOINT",
      defaultText: "http://169.254.169.254",
      meaning: "where the instance hands out its credentials",
    },
  },
});
