import { randomUUID } from "node:crypto";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { findMinio, type FoundMinio } from "@bucketbridge/testkit/minio";
import { findRgw } from "@bucketbridge/testkit/rgw";
import { startS3Fake, type S3Fake } from "@bucketbridge/testkit/s3-fake";
import type { StorageDriver } from "../driver.ts";
import { createEgress } from "../egress/create-egress.ts";
import type { Egress } from "../egress/egress.ts";
import { s3Provider } from "../providers/s3/index.ts";
import { makeProviderDeps, makeStorageContext } from "./provider-deps.ts";
import type {
  DriverHarness,
  HarnessFault,
  HarnessOverride,
  HarnessUnavailable,
} from "./harness.ts";
import { openServerBucket, type ServerKeys } from "./s3-server.ts";

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
  const lister = { ...denied, accessKeyId: "AKIALISTER", allow: ["list"] } as const;
  const writer = { ...denied, accessKeyId: "AKIAWRITER", allow: ["write"] } as const;
  const fake = await startS3Fake({
    buckets: ["suite"],
    accessKeys: [owner, denied, lister, writer],
  });
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
    openLister: () => open(toFields(lister)),
    openWriter: () => open(toFields(writer)),
    fail: (fault) => failListings(fake, fault),
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

/** Listings of a fake end so until the returned function is called. */
export function failListings(fake: S3Fake, fault: HarnessFault): () => void {
  const { kind } = fault;
  const trouble =
    kind === "answer" ? ({ ...fault, kind: "error", code: "Trouble" } as const) : { kind };
  const injected = fake.inject({ ...trouble, on: "list", times: 100 });
  return () => {
    injected.remove();
  };
}

/** What MinIO cannot hold, as measured: see the README of scripts/services. */
const MINIO_GAPS: readonly HarnessOverride[] = (
  ["key.also_folder", "key.dot_segment", "key.double_slash", "key.leading_slash"] as const
).map((gap) => ({ gap, link: "https://github.com/minio/minio/blob/master/docs/minio-limits.md" }));

/** The driver on MinIO, in a bucket of its own. A session whose policy allows nothing is the one that is denied. */
export async function minioHarness(): Promise<DriverHarness | HarnessUnavailable> {
  const minio = await findMinio();
  if (minio === undefined) {
    const unavailable = 'no MinIO: eval "$(scripts/services/minio start)"';
    return { name: "s3", service: "minio", unavailable };
  }
  const { endpoint } = minio;
  return serverHarness({
    service: "minio",
    overrides: MINIO_GAPS,
    endpoint,
    keys: minio,
    denied: await openSession(minio, { effect: "Deny", action: "s3:*" }),
    lister: await openSession(minio, { effect: "Allow", action: "s3:ListBucket" }),
    writer: await openSession(minio, { effect: "Allow", action: "s3:PutObject" }),
  });
}

/** A session whose policy says one thing. */
async function openSession(
  { endpoint, ...credentials }: FoundMinio,
  { effect, action }: { readonly effect: "Allow" | "Deny"; readonly action: string },
): Promise<ServerKeys> {
  const client = new STSClient({ endpoint, region: "us-east-1", credentials });
  const policy = {
    Version: "2012-10-17",
    Statement: [{ Effect: effect, Action: [action], Resource: ["arn:aws:s3:::*"] }],
  };
  const command = new AssumeRoleCommand({
    RoleArn: "arn:minio:iam:::role/any",
    RoleSessionName: "suite",
    Policy: JSON.stringify(policy),
  });
  const { Credentials: found } = await client.send(command);
  client.destroy();
  return {
    accessKeyId: found?.AccessKeyId ?? "",
    secretAccessKey: found?.SecretAccessKey ?? "",
    sessionToken: found?.SessionToken,
  };
}

/** Ceph 16 takes the quotes of If-Match for a part of the etag, so that it never holds (measured). */
export const RGW_GAPS: readonly HarnessOverride[] = [
  { traits: { putConditions: ["absent"] }, link: "docs/adr/0013-tests-find-their-services.md" },
];

/** The driver on a Ceph RADOS Gateway, in a bucket of its own. */
export async function rgwHarness(): Promise<DriverHarness | HarnessUnavailable> {
  const rgw = await findRgw();
  if (rgw === undefined) {
    const unavailable = 'no Ceph RADOS Gateway: eval "$(scripts/services/ceph-rgw start)"';
    return { name: "s3", service: "rgw", unavailable };
  }
  const denied = { accessKeyId: rgw.otherAccessKeyId, secretAccessKey: rgw.otherSecretAccessKey };
  return serverHarness({
    service: "rgw",
    overrides: RGW_GAPS,
    endpoint: rgw.endpoint,
    keys: rgw,
    denied,
  });
}

/** The driver on a real account: BUCKETBRIDGE_TEST_S3_BUCKET, which the suite empties, and the usual AWS variables. */
export async function awsHarness(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<DriverHarness | HarnessUnavailable> {
  const bucket = environment["BUCKETBRIDGE_TEST_S3_BUCKET"];
  const accessKeyId = environment["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = environment["AWS_SECRET_ACCESS_KEY"];
  if (!bucket || !accessKeyId || !secretAccessKey) {
    const unavailable =
      "no account: BUCKETBRIDGE_TEST_S3_BUCKET, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    return { name: "s3", service: "account", unavailable };
  }
  const keys = { accessKeyId, secretAccessKey, sessionToken: environment["AWS_SESSION_TOKEN"] };
  const region = environment["AWS_REGION"];
  return serverHarness({ service: "account", overrides: [], keys, bucket, region });
}

interface Server {
  readonly service: string;
  readonly overrides: readonly HarnessOverride[];
  /** Undefined: AWS. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly bucket?: string | undefined;
  readonly keys: ServerKeys;
  /** Keys that are known and may do nothing. */
  readonly denied?: ServerKeys | undefined;
  /** Keys that may only list, and only put. */
  readonly lister?: ServerKeys | undefined;
  readonly writer?: ServerKeys | undefined;
}

async function serverHarness(server: Server): Promise<DriverHarness> {
  const {
    endpoint,
    region = "us-east-1",
    keys,
    denied,
    lister,
    writer,
    service,
    overrides,
  } = server;
  const bucket = await openServerBucket({ endpoint, region, keys, bucket: server.bucket });
  const egress = createEgress({ allow: ["loopback", "private"], denied: [] });
  const place = { bucket: bucket.name, region_name: region, s3_endpoint: endpoint };
  const open = (fields: Record<string, unknown>): Promise<StorageDriver> =>
    openS3({ ...place, ...toFields(keys), ...fields }, egress);
  return {
    name: "s3",
    service,
    overrides,
    secrets: [keys.secretAccessKey, "wrong-secret"],
    open: () => open({}),
    openMissingBucket: () => open({ bucket: `missing-${randomUUID()}` }),
    ...(denied === undefined ? {} : { openDenied: () => open(toFields(denied)) }),
    ...(lister === undefined ? {} : { openLister: () => open(toFields(lister)) }),
    ...(writer === undefined ? {} : { openWriter: () => open(toFields(writer)) }),
    openBadCredentials: () => open({ aws_secret_access_key: "wrong-secret" }),
    seed: (key, body) => bucket.put(key, body),
    clear: () => bucket.clear(),
    dispose: async () => {
      await bucket.dispose();
      await egress.close();
    },
  };
}

function toFields(key: ServerKeys): Record<string, unknown> {
  return {
    aws_access_key_id: key.accessKeyId,
    aws_secret_access_key: key.secretAccessKey,
    aws_session_token: key.sessionToken,
  };
}
