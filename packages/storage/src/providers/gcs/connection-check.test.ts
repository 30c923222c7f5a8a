import { startGcsFake, type GcsFake } from "@bucketbridge/testkit/gcs-fake";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createEgress } from "../../egress/create-egress.ts";
import { openGcs, OWNER, SUITE_OPTIONS } from "../../testing/gcs-harness.ts";
import type { StorageDirection } from "../provider-deps.ts";
import { gcsProvider } from "./index.ts";

const LISTER = "lister@fake.iam.gserviceaccount.com";
const CREATOR = "creator@fake.iam.gserviceaccount.com";
const egress = createEgress({ allow: ["loopback"], denied: [] });

let fake: GcsFake;
beforeAll(async () => {
  fake = await startGcsFake({
    ...SUITE_OPTIONS,
    accounts: [
      { email: OWNER },
      { email: LISTER, allow: ["list"] },
      { email: CREATOR, allow: ["create"] },
    ],
  });
});
beforeEach(() => {
  fake.clearBucket("suite");
});
afterAll(async () => {
  await egress.close();
  await fake.close();
});

interface Check {
  readonly email?: string;
  readonly bucket?: string | null;
  readonly prefix?: string;
  readonly direction?: StorageDirection;
}

async function check({
  email = OWNER,
  bucket = "suite",
  prefix = "",
  direction = "source",
}: Check): Promise<void> {
  const fields = { bucket, google_application_credentials: fake.keyJson(email) };
  const options = { egress, gcp: { endpoints: fake.endpoints }, context: { direction } };
  const driver = await openGcs(gcsProvider, fields, options);
  const { signal } = new AbortController();
  const settings = gcsProvider.settings.parse(fields);
  await gcsProvider.validate(driver, settings, { direction, prefix, signal });
}

describe("the check of a connection", () => {
  it("needs the permission to list and no other, and reads no object", async () => {
    fake.putObject("suite", "img/a", "x");
    await check({ email: LISTER });
    await check({ email: LISTER, prefix: "img/" });
    expect([fake.counters.get, fake.counters.media]).toEqual([0, 0]);
  });

  it("takes an empty bucket, and any prefix of a target", async () => {
    await check({});
    await check({ prefix: "out/", direction: "target" });
  });

  it("refuses a source whose prefix leads nowhere, with the contract's sentence", async () => {
    await expect(check({ prefix: "img/" })).rejects.toMatchObject({
      code: "not_found",
      message: "No blobs found in suite/img/ or prefix doesn't exist",
    });
  });

  it("refuses a storage without a bucket, with the contract's sentence", async () => {
    await expect(check({ bucket: null })).rejects.toMatchObject({
      message: "Cannot determine path without bucket name.",
    });
  });

  it("names a bucket that does not exist and what to check", async () => {
    await expect(check({ bucket: "nope" })).rejects.toMatchObject({
      code: "not_found",
      reason: "gcs.bucket_not_found",
      message:
        "Cannot connect to Google Cloud Storage nope: the bucket does not exist (notFound, HTTP 404); check the name of the bucket",
    });
  });

  it("tells a target that may only write that it may not list, which is no failure there", async () => {
    await expect(check({ email: CREATOR, direction: "target" })).rejects.toMatchObject({
      code: "permission_denied",
      reason: "gcs.access_denied",
    });
  });

  it("row 4 of the guide: names storage.buckets.get and says that it is not needed", async () => {
    const message = `${OWNER} does not have storage.buckets.get access to the Google Cloud Storage bucket.`;
    fake.inject({ on: "list", kind: "error", status: 403, reason: "forbidden", message });
    await expect(check({})).rejects.toMatchObject({
      reason: "gcs.buckets_get_denied",
      message: expect.stringMatching(
        /storage\.buckets\.get .*Storage Legacy Bucket Reader/,
      ) as string,
    });
  });

  it("ends with its signal", async () => {
    fake.inject({ on: "list", kind: "silent" });
    const fields = { bucket: "suite", google_application_credentials: fake.keyJson(OWNER) };
    const options = { egress, gcp: { endpoints: fake.endpoints } };
    const driver = await openGcs(gcsProvider, fields, options);
    const signal = AbortSignal.timeout(300);
    const settings = gcsProvider.settings.parse(fields);
    await expect(
      gcsProvider.validate(driver, settings, { direction: "source", prefix: "", signal }),
    ).rejects.toMatchObject({ code: "canceled" });
  });
});
