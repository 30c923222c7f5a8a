import { defineProvider } from "../definition.ts";
import { BucketClient, loadSdk } from "./client.ts";
import { checkS3Connection } from "./connection-check.ts";
import { resolveCredentials } from "./credentials.ts";
import { S3Driver } from "./driver.ts";
import { s3Settings, textOf } from "./settings.ts";

/** The contract's default, which also signs for stores that have no regions. */
const DEFAULT_REGION = "us-east-1";

/** Amazon S3 and compatible stores with a key pair. */
export const s3Provider = defineProvider({
  name: "s3",
  title: "AWS S3",
  settings: s3Settings,
  form: [
    { name: "bucket", label: "Bucket Name", type: "text", required: true },
    { name: "region_name", label: "Region Name", type: "text", placeholder: DEFAULT_REGION },
    {
      name: "s3_endpoint",
      label: "S3 Endpoint",
      type: "text",
      placeholder: "https://s3.example.com",
      description: "For stores that are not AWS, such as MinIO or Ceph",
    },
    { name: "aws_access_key_id", label: "Access Key ID", type: "password", required: true },
    { name: "aws_secret_access_key", label: "Secret Access Key", type: "password", required: true },
    {
      name: "aws_session_token",
      label: "Session Token",
      type: "password",
      description: "Only with temporary credentials",
    },
    {
      name: "aws_sse_kms_key_id",
      label: "KMS Key ID",
      type: "text",
      description: "Encrypts what a target writes",
    },
  ],
  referencePrefix: (settings) => `s3://${textOf(settings.bucket) ?? ""}/`,
  isPlaced: (settings) => textOf(settings.bucket) !== undefined,
  describe: (settings) => `s3://${textOf(settings.bucket) ?? ""}`,
  async open(settings, { egress, ambient }) {
    const bucketName = textOf(settings.bucket);
    const credentials = resolveCredentials(settings, ambient);
    const sdk = await loadSdk();
    const place = {
      bucket: bucketName,
      region: textOf(settings.region_name) ?? ambient.s3Region ?? DEFAULT_REGION,
      endpoint: textOf(settings.s3_endpoint) ?? ambient.s3Endpoint,
    };
    const bucket = new BucketClient({ sdk, place, credentials, egress });
    const kmsKeyId = textOf(settings.aws_sse_kms_key_id);
    return new S3Driver({ sdk, bucket, bucketName, credentials, kmsKeyId });
  },
  validate: (driver, settings, check) => checkS3Connection(driver, settings, check),
});
