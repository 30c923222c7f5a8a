import {
  ambientSlice,
  awsPlatformSlice,
  azurePlatformSlice,
  gcpPlatformSlice,
  loadConfig,
  platformSlice,
  resolvePlatform,
} from "@bucketbridge/config";
import { startS3Fake } from "@bucketbridge/testkit";
import type { S3Permission } from "@bucketbridge/testkit/s3-fake";
import { startStsFake } from "@bucketbridge/testkit/sts-fake";
import type { TypeStand } from "./type-stand.ts";

const ROLE = "arn:aws:iam::123456789012:role/importer";
const LISTER_ROLE = "arn:aws:iam::123456789012:role/lister";
const WRITER_ROLE = "arn:aws:iam::123456789012:role/writer";
/** What the roles may do; absent: everything that the policy of the session lets them. */
const ALLOWED: Readonly<Record<string, readonly S3Permission[]>> = {
  [LISTER_ROLE]: ["list"],
  [WRITER_ROLE]: ["write"],
};
const PRINCIPAL = {
  arn: "arn:aws:iam::999999999999:user/bucketbridge",
  accessKeyId: "AKIAPLATFORM",
  secretAccessKey: "platform-secret",
};

/** A bucket that only sessions of a customer's role may see, each its own prefix. */
export async function openS3sStand(): Promise<TypeStand> {
  const s3 = await startS3Fake({ buckets: ["pets"], accessKeys: [] });
  const sts = await startStsFake({
    principals: [PRINCIPAL],
    roles: [ROLE, LISTER_ROLE, WRITER_ROLE].map((arn) => ({ arn, trusts: [PRINCIPAL.arn] })),
    onSession: (key, roleArn) => {
      s3.addAccessKey({ ...key, allow: ALLOWED[roleArn] });
    },
  });
  const slices = {
    ambient: ambientSlice,
    awsPlatform: awsPlatformSlice,
    azurePlatform: azurePlatformSlice,
    gcpPlatform: gcpPlatformSlice,
    platform: platformSlice,
  };
  const config = loadConfig(slices, {
    AWS_ENDPOINT_URL_STS: sts.endpoint,
    BUCKETBRIDGE_AWS_ACCESS_KEY_ID: PRINCIPAL.accessKeyId,
    BUCKETBRIDGE_AWS_SECRET_ACCESS_KEY: PRINCIPAL.secretAccessKey,
  });
  return {
    type: "s3s",
    settings: { bucket: "pets", s3_endpoint: s3.endpoint, region_name: s3.region, role_arn: ROLE },
    secrets: {},
    lister: { settings: { role_arn: LISTER_ROLE } },
    writer: { settings: { role_arn: WRITER_ROLE } },
    worker: { platform: resolvePlatform(config) },
    referencePrefix: "s3://pets/",
    seed: (name, body) => {
      s3.putObject("pets", name, body);
    },
    keys: () => s3.listKeys("pets"),
    read: (name) => s3.readObject("pets", name)?.toString() ?? "",
    close: async () => {
      await Promise.all([s3.close(), sts.close()]);
    },
  };
}
