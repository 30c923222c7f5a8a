import path from "node:path";
import { Secret } from "@bucketbridge/core";
import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { wholeNumber } from "../texts.ts";

/** Where the files of the installation itself can lie. */
const TYPES = ["local", "s3", "gcs", "azure"] as const;

const secretText = z.string().transform((text) => new Secret(text));

const endpoint = z
  .string()
  .refine(
    (text) => ["http:", "https:"].includes(URL.parse(text)?.protocol ?? ""),
    "must be a URL that starts with http:// or https://",
  );

/** 5 TiB: the largest object that the stores take in parts. */
const MAX_UPLOAD_BYTES = 5 * 1024 ** 4;

/** Uploads and export snapshots: the operator's own store, which no user names. */
export const persistenceSlice = defineSlice({
  name: "persistence",
  schema: z
    .object({
      type: z.enum(TYPES, `must be one of ${TYPES.join(", ")}`),
      dataDir: z.string(),
      folder: z.string().optional(),
      bucket: z.string().optional(),
      prefix: z.string().optional(),
      region: z.string().optional(),
      endpoint: endpoint.optional(),
      accessKeyId: z.string().optional(),
      secretAccessKey: secretText.optional(),
      sessionToken: secretText.optional(),
      kmsKey: z.string().optional(),
      project: z.string().optional(),
      googleCredentials: secretText.optional(),
      accountName: z.string().optional(),
      accountKey: secretText.optional(),
      tenantId: z.string().optional(),
      clientId: z.string().optional(),
      clientSecret: secretText.optional(),
      maxUploadBytes: wholeNumber(1, MAX_UPLOAD_BYTES),
      maxDataFileBytes: wholeNumber(1, 1024 ** 3),
    })
    .superRefine((values, context) => {
      const require = (key: "bucket" | "accountName", why: string): void => {
        if (values[key] !== undefined) return;
        context.addIssue({ code: "custom", path: [key], message: `must be set: ${why}` });
      };
      if (values.type !== "local")
        require("bucket", `BUCKETBRIDGE_PERSISTENCE_TYPE is ${values.type}`);
      if (values.type === "azure") require("accountName", "files lie in an account of Azure");
      if ((values.accessKeyId === undefined) !== (values.secretAccessKey === undefined)) {
        const path = [values.accessKeyId === undefined ? "accessKeyId" : "secretAccessKey"];
        context.addIssue({
          code: "custom",
          path,
          message: "must be set: key id and secret belong together",
        });
      }
    }),
  variables: {
    type: {
      env: "BUCKETBRIDGE_PERSISTENCE_TYPE",
      default: "local",
      meaning: "where uploads and export snapshots lie: local, s3, gcs or azure",
    },
    dataDir: {
      env: "BUCKETBRIDGE_DATA_DIR",
      default: "./.bucketbridge",
      meaning: "everything that npm start writes; delete it to start afresh",
    },
    folder: {
      env: "BUCKETBRIDGE_PERSISTENCE_FOLDER",
      defaultText: "files below BUCKETBRIDGE_DATA_DIR",
      meaning: "folder of the type local; api and workers must see the same one",
    },
    bucket: {
      env: "BUCKETBRIDGE_PERSISTENCE_BUCKET",
      meaning: "bucket of the types s3 and gcs, container of the type azure",
    },
    prefix: {
      env: "BUCKETBRIDGE_PERSISTENCE_PREFIX",
      meaning: "folder inside the bucket",
    },
    region: { env: "BUCKETBRIDGE_PERSISTENCE_REGION", meaning: "region of the type s3" },
    endpoint: {
      env: "BUCKETBRIDGE_PERSISTENCE_ENDPOINT",
      meaning: "a store that is not AWS, for the type s3; needs keys of its own",
    },
    accessKeyId: {
      env: "BUCKETBRIDGE_PERSISTENCE_ACCESS_KEY_ID",
      meaning:
        "key of the type s3; without one the platform's own identity at AWS is used (keys, IRSA, Pod Identity, instance role)",
      secret: true,
    },
    secretAccessKey: {
      env: "BUCKETBRIDGE_PERSISTENCE_SECRET_ACCESS_KEY",
      meaning: "the secret of BUCKETBRIDGE_PERSISTENCE_ACCESS_KEY_ID",
      secret: true,
    },
    sessionToken: {
      env: "BUCKETBRIDGE_PERSISTENCE_SESSION_TOKEN",
      meaning: "the session token of temporary keys",
      secret: true,
    },
    kmsKey: {
      env: "BUCKETBRIDGE_PERSISTENCE_KMS_KEY",
      meaning: "key of AWS KMS or Cloud KMS that encrypts what is written (types s3 and gcs)",
    },
    project: { env: "BUCKETBRIDGE_PERSISTENCE_PROJECT", meaning: "project of the type gcs" },
    googleCredentials: {
      env: "BUCKETBRIDGE_PERSISTENCE_GOOGLE_CREDENTIALS",
      meaning:
        "JSON of a service account's key for the type gcs; without it the platform's own identity at Google is used (workload identity)",
      secret: true,
    },
    accountName: {
      env: "BUCKETBRIDGE_PERSISTENCE_ACCOUNT_NAME",
      meaning: "storage account of the type azure",
    },
    accountKey: {
      env: "BUCKETBRIDGE_PERSISTENCE_ACCOUNT_KEY",
      meaning: "key of the storage account; without it the service principal signs in",
      secret: true,
    },
    tenantId: {
      env: "BUCKETBRIDGE_PERSISTENCE_TENANT_ID",
      meaning: "directory of the service principal of the type azure",
    },
    clientId: {
      env: "BUCKETBRIDGE_PERSISTENCE_CLIENT_ID",
      meaning: "service principal of the type azure",
    },
    clientSecret: {
      env: "BUCKETBRIDGE_PERSISTENCE_CLIENT_SECRET",
      meaning: "the secret of BUCKETBRIDGE_PERSISTENCE_CLIENT_ID",
      secret: true,
    },
    maxUploadBytes: {
      env: "BUCKETBRIDGE_UPLOAD_MAX_BYTES",
      default: String(250 * 1024 ** 2),
      meaning: "largest file of an upload in bytes; it is streamed, not held in memory",
    },
    maxDataFileBytes: {
      env: "BUCKETBRIDGE_UPLOAD_MAX_DATA_BYTES",
      default: String(32 * 1024 ** 2),
      meaning:
        "largest uploaded file of tasks in bytes (JSON, JSONL, CSV, TSV, TXT), which is held in memory; larger ones belong into a bucket",
    },
  },
});

/** Where files lie and who is asked for them, decided. */
export type PersistenceSettings = ReturnType<typeof resolvePersistence>;

/** Turns the values of the slice into the settings of one kind of store. `directory`: what relative folders are relative to. */
export function resolvePersistence(
  values: z.output<typeof persistenceSlice.schema>,
  directory: string,
) {
  const { type, bucket = "", prefix = "" } = values;
  switch (type) {
    case "local": {
      const folder = values.folder ?? path.join(values.dataDir, "files");
      return { type, prefix, folder: path.resolve(directory, folder) } as const;
    }
    case "s3": {
      const { region, endpoint: url, accessKeyId, secretAccessKey, sessionToken, kmsKey } = values;
      const keys =
        accessKeyId === undefined || secretAccessKey === undefined
          ? undefined
          : { accessKeyId, secretAccessKey, sessionToken };
      return { type, prefix, bucket, region, endpoint: url, keys, kmsKey } as const;
    }
    case "gcs":
      return {
        ...{ type, prefix, bucket, kmsKey: values.kmsKey, project: values.project },
        credentials: values.googleCredentials,
      } as const;
    case "azure": {
      const { accountName = "", accountKey, tenantId, clientId, clientSecret } = values;
      const principal = { tenantId, clientId, clientSecret };
      return { type, prefix, container: bucket, accountName, accountKey, principal } as const;
    }
  }
}
