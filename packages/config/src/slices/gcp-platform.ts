import { readFileSync } from "node:fs";
import { Secret } from "@bucketbridge/core";
import { z } from "zod";
import { defineSlice } from "../slice.ts";

const endpoint = z
  .string()
  .refine(
    (text) => ["http:", "https:"].includes(URL.parse(text)?.protocol ?? ""),
    "must be a URL that starts with http:// or https://",
  );

/** The content of a JSON file. What is in it is looked at when it is used first: not every process needs it. */
const jsonFile = z.string().transform((path, context) => {
  try {
    return new Secret(readFileSync(path, "utf8"));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    context.addIssue({ code: "custom", message: `names a file that cannot be read (${code})` });
    return z.NEVER;
  }
});

/**
 * The identity with which the platform itself speaks to Google, for impersonation and for what it shows to the workload identity
 * pools of customers, and services other than Google's public ones.
 */
export const gcpPlatformSlice = defineSlice({
  name: "gcpPlatform",
  schema: z.object({
    credentials: jsonFile.optional(),
    awsRoleArn: z
      .string()
      .regex(
        /^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/,
        "must look like arn:aws:iam::123456789012:role/name",
      )
      .optional(),
    subjectTokenFile: z.string().optional(),
    subjectTokenUrl: endpoint.optional(),
    storageEndpoint: endpoint.optional(),
    tokenEndpoint: endpoint.optional(),
    stsEndpoint: endpoint.optional(),
    iamEndpoint: endpoint.optional(),
  }),
  variables: {
    credentials: {
      env: "GOOGLE_APPLICATION_CREDENTIALS",
      contract: true,
      defaultText: "the account that the machine or pod runs as",
      meaning:
        "file with the JSON of the platform's own account at Google (service_account or authorized_user), which acts as the accounts of customers",
    },
    awsRoleArn: {
      env: "BUCKETBRIDGE_GCP_AWS_ROLE_ARN",
      meaning:
        "role that the platform assumes, in a session named by the organisation's external id, before it shows itself to a workload identity pool; needed for gcswif with several organisations",
    },
    subjectTokenFile: {
      env: "BUCKETBRIDGE_GCP_SUBJECT_TOKEN_FILE",
      meaning:
        "file with an OIDC token that is shown to workload identity pools instead of AWS's identity",
    },
    subjectTokenUrl: {
      env: "BUCKETBRIDGE_GCP_SUBJECT_TOKEN_URL",
      meaning: "address that answers with such a token",
    },
    storageEndpoint: {
      env: "BUCKETBRIDGE_GCP_STORAGE_ENDPOINT",
      defaultText: "https://storage.googleapis.com",
      meaning: "another address of Cloud Storage for all storages, such as Private Service Connect",
    },
    tokenEndpoint: {
      env: "BUCKETBRIDGE_GCP_TOKEN_ENDPOINT",
      defaultText: "https://oauth2.googleapis.com/token",
      meaning: "another address for the tokens of service accounts",
    },
    stsEndpoint: {
      env: "BUCKETBRIDGE_GCP_STS_ENDPOINT",
      defaultText: "https://sts.googleapis.com/v1/token",
      meaning: "another address of Google's Security Token Service",
    },
    iamEndpoint: {
      env: "BUCKETBRIDGE_GCP_IAM_ENDPOINT",
      defaultText: "https://iamcredentials.googleapis.com",
      meaning: "another address of the IAM Service Account Credentials API",
    },
  },
});
