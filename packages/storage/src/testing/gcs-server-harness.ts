import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { findFakeGcs } from "@bucketbridge/testkit/fake-gcs";
import { startGcsFake } from "@bucketbridge/testkit/gcs-fake";
import type { StorageDriver } from "../driver.ts";
import { createEgress } from "../egress/create-egress.ts";
import { gcsProvider } from "../providers/gcs/index.ts";
import type { GcpPlatform } from "../providers/provider-deps.ts";
import { calm } from "./case.ts";
import { GOOGLE_GAPS, openGcs, OWNER, SUITE_OPTIONS } from "./gcs-harness.ts";
import type { DriverHarness, HarnessOverride, HarnessUnavailable } from "./harness.ts";

const SERVER_SOURCE = "https://github.com/fsouza/fake-gcs-server/blob/v1.56.1/fakestorage";

/** What fake-gcs-server does not do: it checks nobody's identity or signature, and no condition of a download. */
const SERVER_GAPS: readonly HarnessOverride[] = [
  ...GOOGLE_GAPS,
  { gap: "presign.signature", link: `${SERVER_SOURCE}/server.go` },
  { gap: "presign.expiry", link: `${SERVER_SOURCE}/server.go` },
  { gap: "read.condition", link: `${SERVER_SOURCE}/object.go` },
];

/** `gcs` on fake-gcs-server, in a bucket of its own; tokens come from our fake, since the server has none. */
export async function fakeGcsServerHarness(): Promise<DriverHarness | HarnessUnavailable> {
  const storage = await findFakeGcs();
  if (storage === undefined) {
    const unavailable = 'no fake-gcs-server: eval "$(scripts/services/fake-gcs start)"';
    return { name: "gcs", service: "fake-gcs-server", unavailable };
  }
  const tokens = await startGcsFake(SUITE_OPTIONS);
  const bucket = `suite-${randomUUID()}`;
  await fetch(`${storage}/storage/v1/b?project=suite`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: bucket }),
  });
  const harness = bucketHarness({
    service: "fake-gcs-server",
    bucket,
    credentials: tokens.keyJson(OWNER),
    gcp: { endpoints: { ...tokens.endpoints, storage } },
  });
  return {
    ...harness,
    overrides: SERVER_GAPS,
    dispose: async () => {
      await harness.dispose();
      await fetch(`${storage}/storage/v1/b/${bucket}`, { method: "DELETE" });
      await tokens.close();
    },
  };
}

/**
 * `gcs` on a real account: GCS_TEST_BUCKET names a bucket that belongs to the suite alone (it is emptied), GCS_TEST_CREDENTIALS
 * the file with the JSON of a service account's key that may do everything with its objects.
 */
export async function gcsAccountHarness(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<DriverHarness | HarnessUnavailable> {
  const bucket = environment["GCS_TEST_BUCKET"] ?? "";
  const file = environment["GCS_TEST_CREDENTIALS"] ?? "";
  if (bucket === "" || file === "") {
    const unavailable = "no account: set GCS_TEST_BUCKET and GCS_TEST_CREDENTIALS";
    return { name: "gcs", service: "account", unavailable };
  }
  const credentials = await readFile(file, "utf8");
  return bucketHarness({ service: "account", bucket, credentials, gcp: {} });
}

interface Place {
  readonly service: string;
  readonly bucket: string;
  readonly credentials: string;
  readonly gcp: GcpPlatform;
}

function bucketHarness({ service, bucket, credentials, gcp }: Place): DriverHarness {
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  const fields = { bucket, google_application_credentials: credentials };
  const open = (changes: Record<string, unknown> = {}): Promise<StorageDriver> =>
    openGcs(gcsProvider, { ...fields, ...changes }, { egress, gcp });
  const admin = open();
  return {
    name: "gcs",
    service,
    overrides: GOOGLE_GAPS,
    secrets: ["PRIVATE KEY", "ya29."],
    open: () => open(),
    openMissingBucket: () => open({ bucket: `missing-${randomUUID()}` }),
    seed: async (key, body) => {
      await (await admin).put?.({ key, body }, calm);
    },
    clear: async () => {
      const driver = await admin;
      const { keys } = await driver.listPage({ prefix: "", recursive: true, limit: 1_000 }, calm);
      for (const key of keys) await driver.delete?.(key, calm);
    },
    dispose: () => egress.close(),
  };
}
