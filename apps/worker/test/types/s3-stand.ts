import { startS3Fake } from "@bucketbridge/testkit";
import { DEFAULT_ACCESS_KEY, type S3Permission } from "@bucketbridge/testkit/s3-fake";
import type { TypeStand } from "./type-stand.ts";

const limited = (accessKeyId: string, allow: readonly S3Permission[]) => ({
  ...DEFAULT_ACCESS_KEY,
  accessKeyId,
  allow,
});

/** A bucket of an S3 in this process. */
export async function openS3Stand(): Promise<TypeStand> {
  const accessKeys = [
    DEFAULT_ACCESS_KEY,
    limited("AKIALISTER", ["list"]),
    limited("AKIAWRITER", ["write"]),
  ];
  const s3 = await startS3Fake({ buckets: ["pets"], accessKeys });
  const [key] = s3.accessKeys;
  const as = (accessKeyId: string) => ({
    secrets: {
      aws_access_key_id: accessKeyId,
      aws_secret_access_key: DEFAULT_ACCESS_KEY.secretAccessKey,
    },
  });
  return {
    type: "s3",
    settings: { bucket: "pets", s3_endpoint: s3.endpoint, region_name: s3.region },
    secrets: {
      aws_access_key_id: key?.accessKeyId ?? "",
      aws_secret_access_key: key?.secretAccessKey ?? "",
    },
    lister: as("AKIALISTER"),
    writer: as("AKIAWRITER"),
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
