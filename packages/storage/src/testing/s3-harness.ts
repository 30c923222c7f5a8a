import { randomUUID } from "node:crypto";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { findMinio } from "@bucketbridge/testkit/minio";
import { startS3Fake } from "@bucketbridge/testkit/s3-fake";
import type { StorageDriver } from "../driver.ts";
import { createEgress } from "../egress/create-egress.ts";
import type { Egress } from "../egress/egress.ts";
import { s3Provider } from "../providers/s3/index.ts";
import { makeProviderDeps, makeStorageContext } from "./provider-deps.ts";
import type { DriverHarness, HarnessOverride, HarnessUnavailable } from "./harness.ts";

/** Opens the driver as the processes do, from the fields of the wire. */
export function openS3(fields: Record<string, unknown>, egress: Egress): Promise<StorageDriver> {
  return s3Provider.open(
    s3Provider.settings.parse(fields),
    makeProviderDeps(egress),
    makeStorageContext(),
  );
}

/** The driver on the fake, which checks signatures and has all kinds of refusals. */
export async function s3FakeHarness(): Promise<DriverHarness> {
  const owner = { accessKeyId: "AKIAOWNER", secretAccessKey: "owner-secret/+=" };
  const denied = { accessKeyId: "AKIADENIED", secretAccessKey: "denied-secret", allow: [] };
  const fake = await startS3Fake({ buckets: ["suite"], accessKeys: [owner, denied] });
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  const open = (fields: Record<string, unknown>): Promise<StorageDriver> =>
    openS3({ bucket: "suite", s3_endpoint: fake.endpoint, ...toFields(owner), ...fields }, egress);
  return {
    name: "s3",
    service: "fake",
    secrets: [owner.secretAccessKey, denied.secretAccessKey, "wrong-secret"],
    open: () => open({}),
    openMissingBucket: () => open({ bucket: "no-such-bucket" }),
    openDenied: () => open(toFields(denied)),
    openBadCredentials: () => open({ aws_secret_access_key: "wrong-secret" }),
    seed: (key, body) => {
      fake.putObject("suite", key, body);
      return Promise.resolve();
    },
    clear: () => {
      fake.clearBucket("suite");
      return Promise.resolve();
    },
    openBodies: () => fake.openBodies,
    dispose: async () => {
      await egress.close();
      await fake.close();
    },
  };
}

/** What MinIO cannot hold, as measured: see the README of scripts/services. */
const MINIO_GAPS: readonly HarnessOverride[] = (
  ["key.also_folder", "key.dot_segment", "key.double_slash", "key.leading_slash"] as const
).map((gap) => ({ gap, link: "https://github.com/minio/minio/blob/master/docs/minio-limits.md" }));

/** The driver on MinIO, in a bucket of its own. */
export async function minioHarness(): Promise<DriverHarness | HarnessUnavailable> {
  const minio = await findMinio();
  if (minio === undefined) {
    const unavailable = 'no MinIO: eval "$(scripts/services/minio start)"';
    return { name: "s3", service: "minio", unavailable };
  }
  return serverHarness({ service: "minio", overrides: MINIO_GAPS, ...minio });
}

interface Server {
  readonly service: string;
  readonly overrides: readonly HarnessOverride[];
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

async function serverHarness(server: Server): Promise<DriverHarness> {
  const { endpoint, accessKeyId, secretAccessKey, service, overrides } = server;
  const bucket = `suite-${randomUUID()}`;
  const admin = new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  await admin.send(new CreateBucketCommand({ Bucket: bucket }));
  const egress = createEgress({ allow: ["loopback", "private"], denied: [] });
  const open = (fields: Record<string, unknown>): Promise<StorageDriver> =>
    openS3({ bucket, s3_endpoint: endpoint, ...toFields(server), ...fields }, egress);
  return {
    name: "s3",
    service,
    overrides,
    secrets: [secretAccessKey, "wrong-secret"],
    open: () => open({}),
    openMissingBucket: () => open({ bucket: `missing-${randomUUID()}` }),
    openBadCredentials: () => open({ aws_secret_access_key: "wrong-secret" }),
    seed: async (key, body) => {
      await admin.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    },
    clear: () => emptyBucket(admin, bucket),
    dispose: async () => {
      await emptyBucket(admin, bucket);
      await admin.send(new DeleteBucketCommand({ Bucket: bucket }));
      admin.destroy();
      await egress.close();
    },
  };
}

async function emptyBucket(client: S3Client, bucket: string): Promise<void> {
  const { Contents = [] } = await client.send(
    new ListObjectsV2Command({ Bucket: bucket, EncodingType: "url" }),
  );
  for (const { Key = "" } of Contents) {
    const key = decodeURIComponent(Key.replaceAll("+", " "));
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  }
  if (Contents.length > 0) await emptyBucket(client, bucket);
}

function toFields(key: {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}): Record<string, unknown> {
  return { aws_access_key_id: key.accessKeyId, aws_secret_access_key: key.secretAccessKey };
}
