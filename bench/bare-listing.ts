import { AppError } from "@bucketbridge/core";
import { loadProvider } from "@bucketbridge/storage/providers";
import { openEgress, BENCH_CONTEXT, providerDeps } from "./in-process.ts";
import type { S3Server } from "./s3-server.ts";

/** Lists a bucket page by page, drops what it gets, gives the number of keys. */
export type BareListing = () => Promise<number>;

/** The SDK's client as the product opens it, and nothing around it: no retry, no deadline, no prefetch. */
export async function openOwnClient(
  s3: S3Server,
  bucket: string,
): Promise<{ readonly list: BareListing; close(): Promise<void> }> {
  const egress = openEgress();
  const provider = await loadProvider("s3");
  const { settings, secrets } = s3.source(bucket);
  const parsed = provider.settings.parse({ ...settings, ...secrets });
  const driver = await provider.open(parsed, providerDeps(egress), BENCH_CONTEXT);
  const { signal } = new AbortController();
  return {
    list: async () => {
      let count = 0;
      let cursor: string | undefined;
      do {
        const request = { prefix: "", recursive: true, limit: driver.traits.pageSize };
        const page = await driver.listPage(
          cursor === undefined ? request : { ...request, cursor },
          { signal },
        );
        count += page.keys.length;
        cursor = page.cursor;
      } while (cursor !== undefined);
      return count;
    },
    close: async () => {
      await driver.close();
      await egress.close();
    },
  };
}

/** The SDK as everybody uses it, with its own parser. */
export async function openStockClient(
  { address }: S3Server,
  bucket: string,
): Promise<{ readonly list: BareListing; close(): Promise<void> }> {
  const { ListObjectsV2Command, S3Client } = await import("@aws-sdk/client-s3");
  const client = new S3Client({
    region: "us-east-1",
    endpoint: address.endpoint,
    forcePathStyle: true,
    credentials: {
      accessKeyId: address.accessKeyId,
      secretAccessKey: address.secretAccessKey,
    },
  });
  return {
    list: async () => {
      let count = 0;
      let token: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }),
        );
        count += page.Contents?.length ?? 0;
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return count;
    },
    close: () => {
      client.destroy();
      return Promise.resolve();
    },
  };
}

/** A figure over the wrong number of things is none. */
export function assertCount(what: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new AppError({
    code: "internal",
    message: `${what}: ${String(found)} instead of ${String(expected)}`,
  });
}
