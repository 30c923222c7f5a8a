import type { ProviderDeps } from "../provider-deps.ts";
import type { RegionFacts } from "../definition.ts";
import { BucketClient, loadSdk, type S3Place } from "./client.ts";
import { S3Driver } from "./driver.ts";
import { knownRegions } from "./known-regions.ts";
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
  const place = toPlace(settings, ambient);
  const bucket = new BucketClient({ sdk, place, credentials, egress });
  return new S3Driver({
    sdk,
    bucket,
    bucketName: place.bucket,
    credentials,
    expectedOwner: textOf(settings.expected_bucket_owner),
    encryption: toEncryption(settings, ambient.s3EncryptsWrites === true),
  });
}

/** The region that requests were signed for at first, and the one where the bucket was found since. */
export function findRegion(
  settings: S3Settings,
  { egress, ambient }: Pick<ProviderDeps, "egress" | "ambient">,
): RegionFacts {
  const place = toPlace(settings, ambient);
  return { asked: place.region, found: knownRegions(egress).find(place) ?? place.region };
}

function toPlace(settings: S3Settings, ambient: ProviderDeps["ambient"]): S3Place {
  return {
    bucket: textOf(settings.bucket),
    region: textOf(settings.region_name) ?? ambient.s3Region ?? DEFAULT_REGION,
    endpoint: textOf(settings.s3_endpoint) ?? ambient.s3Endpoint,
  };
}

function toEncryption(settings: S3Settings, isAlways: boolean): WriteEncryption {
  const kmsKeyId = textOf(settings.aws_sse_kms_key_id);
  if (kmsKeyId !== undefined) return { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyId };
  return isAlways ? { ServerSideEncryption: "AES256" } : {};
}

type WriteEncryption = ConstructorParameters<typeof S3Driver>[0]["encryption"];
