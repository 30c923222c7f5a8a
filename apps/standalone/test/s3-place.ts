import { findFreePort } from "@bucketbridge/db/embedded";
import { startS3Fake, type S3Fake, type S3FakeOptions } from "@bucketbridge/testkit";
import type { Json } from "./client.ts";

/** The key pair that every storage of the tests is saved with. */
export const S3_KEY = {
  accessKeyId: "AKIAFAULTSFAULTSFAUL",
  secretAccessKey: "faults/Secret+Access/Key=For+Tests/01234",
};

/** An S3 server at one address whose owner changes his mind: keys, buckets and permissions come and go. */
export interface S3Place {
  readonly endpoint: string;
  readonly fake: S3Fake;
  /** What a client sends to save a storage on the bucket. */
  payload(bucket: string, fields?: Json): Json;
  /** Starts anew at the same address; what the storage was saved with works unless `options` say otherwise. */
  become(options?: S3FakeOptions): Promise<S3Fake>;
  /** Takes no connections any more. */
  close(): Promise<void>;
}

/** Starts the place in good order. */
export async function openS3Place(): Promise<S3Place> {
  const port = await findFreePort();
  const start = (options: S3FakeOptions): Promise<S3Fake> =>
    startS3Fake({ accessKeys: [S3_KEY], ...options, port });
  let fake: S3Fake | undefined = await start({});
  const first = fake;
  const close = async (): Promise<void> => {
    await fake?.close();
    fake = undefined;
  };
  return {
    endpoint: first.endpoint,
    get fake() {
      return fake ?? first;
    },
    payload: (bucket, fields = {}) => ({
      bucket,
      title: bucket,
      s3_endpoint: first.endpoint,
      region_name: "us-east-1",
      aws_access_key_id: S3_KEY.accessKeyId,
      aws_secret_access_key: S3_KEY.secretAccessKey,
      ...fields,
    }),
    become: async (options = {}) => {
      await close();
      fake = await start(options);
      return fake;
    },
    close,
  };
}

/** A place for one row of a table, closed behind it. */
export async function withS3Place(use: (place: S3Place) => Promise<void>): Promise<void> {
  const place = await openS3Place();
  try {
    await use(place);
  } finally {
    await place.close();
  }
}
