import { randomUUID } from "node:crypto";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";

/** A key pair, with a token when it belongs to a session. */
export interface ServerKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A bucket of its own on a real server, reached without the driver under test. */
export interface ServerBucket {
  readonly name: string;
  put(key: string, body: Uint8Array): Promise<void>;
  clear(): Promise<void>;
  /** Also removes the bucket. */
  dispose(): Promise<void>;
}

/** Where the bucket is made. */
export interface ServerPlace {
  /** Undefined: AWS. */
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly keys: ServerKeys;
  /** A bucket that is there already and stays; only its objects below the suite's keys are touched. */
  readonly bucket?: string | undefined;
}

/** Makes the bucket, or takes the one that is named. */
export async function openServerBucket(place: ServerPlace): Promise<ServerBucket> {
  const name = place.bucket ?? `suite-${randomUUID()}`;
  const client = new S3Client({
    region: place.region,
    credentials: toSdkKeys(place.keys),
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint, forcePathStyle: true }),
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  if (place.bucket === undefined) await client.send(new CreateBucketCommand({ Bucket: name }));
  return {
    name,
    put: async (key, body) => {
      await client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: body }));
    },
    clear: () => emptyBucket(client, name),
    dispose: async () => {
      await emptyBucket(client, name);
      if (place.bucket === undefined) await client.send(new DeleteBucketCommand({ Bucket: name }));
      client.destroy();
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

function toSdkKeys({ accessKeyId, secretAccessKey, sessionToken }: ServerKeys) {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
