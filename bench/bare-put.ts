import { loadProvider } from "@bucketbridge/storage/providers";
import { BENCH_CONTEXT, openEgress, providerDeps } from "./in-process.ts";
import type { S3Server } from "./s3-server.ts";

/** As long as an exported annotation of the benchmark. */
const BODY_BYTES = 1_500;

/** Puts one object and drops the answer. */
export interface BarePuts {
  readonly put: (key: string) => Promise<void>;
  close(): Promise<void>;
}

/** The SDK's client as the product opens it, and nothing around it. */
export async function openBarePuts(s3: S3Server, bucket: string): Promise<BarePuts> {
  const egress = openEgress();
  const provider = await loadProvider("s3");
  const { settings, secrets } = s3.source(bucket);
  const parsed = provider.settings.parse({ ...settings, ...secrets });
  const context = { ...BENCH_CONTEXT, direction: "target" as const };
  const driver = await provider.open(parsed, providerDeps(egress), context);
  const body = Buffer.alloc(BODY_BYTES, "x");
  const { signal } = new AbortController();
  return {
    put: async (key) => {
      await driver.put?.({ key, body, contentType: "application/json" }, { signal });
    },
    close: async () => {
      await driver.close();
      await egress.close();
    },
  };
}
