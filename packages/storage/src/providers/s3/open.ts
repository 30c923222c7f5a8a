import type { ProviderDeps } from "../provider-deps.ts";
import { BucketClient, loadSdk } from "./client.ts";
import { S3Driver } from "./driver.ts";
import type { CredentialSource } from "./sessions.ts";
import { textOf, type S3Settings } from "./settings.ts";

/** The contract's default, which also signs for stores that have no regions. */
export const DEFAULT_REGION = "us-east-1";

/** The driver for a bucket, whoever signs. Loads the SDK; makes no connection. */
export async function openBucket(
  settings: S3Settings,
  { egress, ambient }: Pick<ProviderDeps, "egress" | "ambient">,
  credentials: CredentialSource,
): Promise<S3Driver> {
  const sdk = await loadSdk();
  const bucketName = textOf(settings.bucket);
  const place = {
    bucket: bucketName,
    region: textOf(settings.region_name) ?? ambient.s3Region ?? DEFAULT_REGION,
    endpoint: textOf(settings.s3_endpoint) ?? ambient.s3Endpoint,
  };
  const bucket = new BucketClient({ sdk, place, credentials, egress });
  return new S3Driver({
    sdk,
    bucket,
    bucketName,
    credentials,
    expectedOwner: textOf(settings.expected_bucket_owner),
    encryption: toEncryption(settings, ambient.s3EncryptsWrites === true),
  });
}

function toEncryption(settings: S3Settings, isAlways: boolean): WriteEncryption {
  const kmsKeyId = textOf(settings.aws_sse_kms_key_id);
  if (kmsKeyId !== undefined) return { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyId };
  return isAlways ? { ServerSideEncryption: "AES256" } : {};
}

type WriteEncryption = ConstructorParameters<typeof S3Driver>[0]["encryption"];
