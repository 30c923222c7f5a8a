import { randomUUID } from "node:crypto";
import { Secret } from "@bucketbridge/core";
import { findRgw } from "@bucketbridge/testkit/rgw";
import { startS3Fake, type S3Permission } from "@bucketbridge/testkit/s3-fake";
import { startStsFake } from "@bucketbridge/testkit/sts-fake";
import type { StorageDriver } from "../driver.ts";
import { createEgress } from "../egress/create-egress.ts";
import type { Egress } from "../egress/egress.ts";
import { createPlatformEgress } from "../egress/platform-egress.ts";
import type { PlatformAccess } from "../providers/provider-deps.ts";
import { s3sProvider } from "../providers/s3/index.ts";
import type { DriverHarness, HarnessUnavailable } from "./harness.ts";
import { makeProviderDeps, makeStorageContext } from "./provider-deps.ts";
import { failListings, RGW_GAPS } from "./s3-harness.ts";
import { openServerBucket, type ServerKeys } from "./s3-server.ts";

const ROLE_ARN = "arn:aws:iam::123456789012:role/suite";
const DENIED_ROLE_ARN = "arn:aws:iam::123456789012:role/denied";
const LISTER_ROLE_ARN = "arn:aws:iam::123456789012:role/lister";
const WRITER_ROLE_ARN = "arn:aws:iam::123456789012:role/writer";

/** What the roles may do; absent: everything. */
const ALLOWED: Readonly<Record<string, readonly S3Permission[]>> = {
  [DENIED_ROLE_ARN]: [],
  [LISTER_ROLE_ARN]: ["list"],
  [WRITER_ROLE_ARN]: ["write"],
};

/** An installation whose principal has these keys at this STS, opening storages as targets, which may do everything. */
function makeOpener(stsEndpoint: string | undefined, keys: ServerKeys, egress: Egress) {
  const platformEgress = createPlatformEgress({
    hosts: stsEndpoint === undefined ? [] : [stsEndpoint],
    denied: [],
  });
  const { accessKeyId, secretAccessKey } = keys;
  const secret = new Secret(secretAccessKey);
  const aws = {
    stsEndpoint,
    keys: { accessKeyId, secretAccessKey: secret, sessionToken: undefined },
  };
  const platform: PlatformAccess = { egress: platformEgress, aws, gcp: {}, azure: {} };
  const open = (fields: Record<string, unknown>): Promise<StorageDriver> =>
    s3sProvider.open(
      s3sProvider.settings.parse(fields),
      makeProviderDeps(egress, { platform }),
      makeStorageContext({ direction: "target" }),
    );
  return { open, close: () => platformEgress.close() };
}

/** Roles on the fakes of STS and S3, which check external id, session policy and the end of a session. */
export async function s3sFakeHarness(): Promise<DriverHarness> {
  const principal = { accessKeyId: "AKIAPLATFORM", secretAccessKey: "platform-secret/+=" };
  const s3 = await startS3Fake({ buckets: ["suite"], accessKeys: [] });
  const sts = await startStsFake({
    principals: [{ ...principal, arn: "arn:aws:iam::999999999999:user/platform" }],
    roles: [ROLE_ARN, ...Object.keys(ALLOWED)].map((arn) => ({
      arn,
      externalId: "org-external-id",
    })),
    onSession: (key, roleArn) => {
      s3.addAccessKey({ ...key, allow: ALLOWED[roleArn] });
    },
  });
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  const opener = makeOpener(sts.endpoint, principal, egress);
  const open = (fields: Record<string, unknown>): Promise<StorageDriver> =>
    opener.open({ bucket: "suite", s3_endpoint: s3.endpoint, role_arn: ROLE_ARN, ...fields });
  return {
    name: "s3s",
    service: "fake",
    secrets: [principal.secretAccessKey],
    open: () => open({}),
    openMissingBucket: () => open({ bucket: "no-such-bucket" }),
    openDenied: () => open({ role_arn: DENIED_ROLE_ARN }),
    openLister: () => open({ role_arn: LISTER_ROLE_ARN }),
    openWriter: () => open({ role_arn: WRITER_ROLE_ARN }),
    fail: (fault) => failListings(s3, fault),
    openBadCredentials: () => open({ role_arn: "arn:aws:iam::123456789012:role/not-ours" }),
    seed: (key, body) => {
      s3.putObject("suite", key, body);
      return Promise.resolve();
    },
    clear: () => {
      s3.clearBucket("suite");
      return Promise.resolve();
    },
    openBodies: () => s3.openBodies,
    dispose: async () => {
      await Promise.all([egress.close(), opener.close(), s3.close(), sts.close()]);
    },
  };
}

/**
 * A role on a real account: BUCKETBRIDGE_TEST_S3_BUCKET, which the suite empties, BUCKETBRIDGE_TEST_S3_ROLE_ARN that demands the
 * external id `org-external-id`, and the usual AWS variables, whose principal the role trusts and who may write to the bucket.
 */
export async function s3sAwsHarness(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<DriverHarness | HarnessUnavailable> {
  const { BUCKETBRIDGE_TEST_S3_BUCKET: name, BUCKETBRIDGE_TEST_S3_ROLE_ARN: roleArn } = environment;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  const { AWS_REGION: region = "us-east-1" } = environment;
  if (!name || !roleArn || !accessKeyId || !secretAccessKey) {
    const unavailable =
      "no account: BUCKETBRIDGE_TEST_S3_BUCKET, BUCKETBRIDGE_TEST_S3_ROLE_ARN, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    return { name: "s3s", service: "account", unavailable };
  }
  const keys = { accessKeyId, secretAccessKey };
  const bucket = await openServerBucket({ endpoint: undefined, region, keys, bucket: name });
  const egress = createEgress({ allow: [], denied: [] });
  const opener = makeOpener(undefined, keys, egress);
  const place = { bucket: name, region_name: region, role_arn: roleArn };
  return {
    name: "s3s",
    service: "account",
    secrets: [secretAccessKey],
    open: () => opener.open(place),
    openBadCredentials: () => opener.open({ ...place, role_arn: `${roleArn}-that-is-not-there` }),
    seed: (key, body) => bucket.put(key, body),
    clear: () => bucket.clear(),
    dispose: async () => {
      await bucket.dispose();
      await Promise.all([egress.close(), opener.close()]);
    },
  };
}

/** A real AssumeRole on a Ceph RADOS Gateway, in a bucket of its own. */
export async function s3sRgwHarness(): Promise<DriverHarness | HarnessUnavailable> {
  const rgw = await findRgw();
  if (rgw === undefined) {
    const unavailable = 'no Ceph RADOS Gateway: eval "$(scripts/services/ceph-rgw start)"';
    return { name: "s3s", service: "rgw", unavailable };
  }
  const { endpoint, roleArn } = rgw;
  const other = { accessKeyId: rgw.otherAccessKeyId, secretAccessKey: rgw.otherSecretAccessKey };
  const bucket = await openServerBucket({ endpoint, region: "us-east-1", keys: rgw });
  const egress = createEgress({ allow: ["loopback", "private"], denied: [] });
  const own = makeOpener(endpoint, rgw, egress);
  const stranger = makeOpener(endpoint, other, egress);
  const place = { bucket: bucket.name, s3_endpoint: endpoint, role_arn: roleArn };
  return {
    name: "s3s",
    service: "rgw",
    overrides: RGW_GAPS,
    secrets: [rgw.secretAccessKey, other.secretAccessKey],
    open: () => own.open(place),
    openMissingBucket: () => own.open({ ...place, bucket: `missing-${randomUUID()}` }),
    // A user whom the role does not trust.
    openBadCredentials: () => stranger.open(place),
    seed: (key, body) => bucket.put(key, body),
    clear: () => bucket.clear(),
    dispose: async () => {
      await bucket.dispose();
      await Promise.all([egress.close(), own.close(), stranger.close()]);
    },
  };
}
