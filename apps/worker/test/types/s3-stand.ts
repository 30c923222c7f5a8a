import { startS3Fake } from "@bucketbridge/testkit";
import type { TypeStand } from "./type-stand.ts";

/** A bucket of an S3 in this process. */
export async function openS3Stand(): Promise<TypeStand> {
  const s3 = await startS3Fake({ buckets: ["pets"] });
  const [key] = s3.accessKeys;
  return {
    type: "s3",
    settings: { bucket: "pets", s3_endpoint: s3.endpoint, region_name: s3.region },
    secrets: {
      aws_access_key_id: key?.accessKeyId ?? "",
      aws_secret_access_key: key?.secretAccessKey ?? "",
    },
    worker: {},
    referencePrefix: "s3://pets/",
    seed: (name, body) => {
      s3.putObject("pets", name, body);
    },
    keys: () => s3.listKeys("pets"),
    read: (name) => s3.readObject("pets", name)?.toString() ?? "",
    close: () => s3.close(),
  };
}
