/** A MinIO for tests. Others may use it too: take buckets of your own. */
export interface FoundMinio {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Where `scripts/services/minio start` listens unless told otherwise, and the keys it starts with. */
const SERVICE: FoundMinio = {
  endpoint: "http://127.0.0.1:9100",
  accessKeyId: "minioadminkey01",
  secretAccessKey: "minio-admin-secret-0001",
};

/** The health page of a server on this machine answers at once or there is none. */
const PROBE_MS = 1_000;

/** Finds a MinIO: the one that MINIO_ENDPOINT names, else one that listens from scripts/services. `undefined`: there is none. */
export async function findMinio(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<FoundMinio | undefined> {
  const endpoint = environment["MINIO_ENDPOINT"];
  if (endpoint !== undefined && endpoint !== "") {
    return {
      endpoint,
      accessKeyId: environment["MINIO_ACCESS_KEY"] ?? SERVICE.accessKeyId,
      secretAccessKey: environment["MINIO_SECRET_KEY"] ?? SERVICE.secretAccessKey,
    };
  }
  const probe = fetch(`${SERVICE.endpoint}/minio/health/live`, {
    signal: AbortSignal.timeout(PROBE_MS),
  });
  const answer = await probe.catch(() => undefined);
  return answer?.ok === true ? SERVICE : undefined;
}
