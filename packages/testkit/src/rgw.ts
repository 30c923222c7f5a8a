/** A Ceph RADOS Gateway for tests: S3 and STS. Others may use it too: take buckets of your own. */
export interface FoundRgw {
  readonly endpoint: string;
  /** Owns the buckets and may assume the role. */
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** A user to whom nothing was given. */
  readonly otherAccessKeyId: string;
  readonly otherSecretAccessKey: string;
  /** May do everything in S3. */
  readonly roleArn: string;
}

/** Where `scripts/services/ceph-rgw start` listens unless told otherwise, and the keys it starts with. */
const SERVICE: FoundRgw = {
  endpoint: "http://127.0.0.1:7480",
  accessKeyId: "OWNERACCESSKEY000001",
  secretAccessKey: "owner-secret-key-0000000000000000000001",
  otherAccessKeyId: "OTHERACCESSKEY000001",
  otherSecretAccessKey: "other-secret-key-0000000000000000000001",
  roleArn: "arn:aws:iam:::role/importer",
};

/** A server on this machine answers at once or there is none. */
const PROBE_MS = 1_000;

/** Finds a RADOS Gateway: the one that RGW_ENDPOINT names, else one that listens from scripts/services. `undefined`: there is none. */
export async function findRgw(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<FoundRgw | undefined> {
  const endpoint = environment["RGW_ENDPOINT"];
  if (endpoint !== undefined && endpoint !== "") {
    return {
      endpoint,
      accessKeyId: environment["RGW_ACCESS_KEY"] ?? SERVICE.accessKeyId,
      secretAccessKey: environment["RGW_SECRET_KEY"] ?? SERVICE.secretAccessKey,
      otherAccessKeyId: environment["RGW_OTHER_ACCESS_KEY"] ?? SERVICE.otherAccessKeyId,
      otherSecretAccessKey: environment["RGW_OTHER_SECRET_KEY"] ?? SERVICE.otherSecretAccessKey,
      roleArn: environment["RGW_ROLE_ARN"] ?? SERVICE.roleArn,
    };
  }
  const probe = fetch(SERVICE.endpoint, { signal: AbortSignal.timeout(PROBE_MS) });
  const answer = await probe.catch(() => undefined);
  const text = await answer?.text().catch(() => undefined);
  return text?.includes("ListAllMyBucketsResult") === true ? SERVICE : undefined;
}
