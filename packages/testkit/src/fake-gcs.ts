/** Where `scripts/services/fake-gcs start` listens unless told otherwise. */
const SERVICE = "http://127.0.0.1:4443";

/** The health page of a server on this machine answers at once or there is none. */
const PROBE_MS = 1_000;

/**
 * Finds a fake-gcs-server: the one that FAKE_GCS_ENDPOINT names, else one that listens from scripts/services. Others may use it
 * too: take buckets of your own. `undefined`: there is none.
 */
export async function findFakeGcs(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const endpoint = environment["FAKE_GCS_ENDPOINT"];
  if (endpoint !== undefined && endpoint !== "") return endpoint;
  const probe = fetch(`${SERVICE}/_internal/healthcheck`, {
    signal: AbortSignal.timeout(PROBE_MS),
  });
  const answer = await probe.catch(() => undefined);
  return answer?.ok === true ? SERVICE : undefined;
}
