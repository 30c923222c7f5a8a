import type { S3FakeOptions } from "@bucketbridge/testkit";
import { describe, expect, it } from "vitest";
import type { Client, Json } from "./client.ts";
import { openS3Place, S3_KEY, type S3Place } from "./s3-place.ts";
import { createProject, createScene, type Scene } from "./scene.ts";
import type { System } from "./system.ts";

const FILES = { use_blob_urls: true, recursive_scan: true };
const KEYS = ["a.jpg", "b.jpg", "dir/c.jpg"];

async function putInOrder(place: S3Place): Promise<void> {
  const fake = await place.become({ buckets: ["cats"] });
  for (const key of KEYS) fake.putObject("cats", key, key);
}

interface ConnectionFault {
  readonly fault: string;
  /** What has become of the store: other settings, nobody listens, or this answer to every listing. */
  readonly store: S3FakeOptions | "gone" | { readonly status: number; readonly code: string };
  /** The contract's sentence when such a storage shall be saved. */
  readonly refusal: RegExp;
  readonly code: string;
  readonly reason: string;
  /** What the sentence of the run names, and the remedy. */
  readonly says: RegExp;
}

const CREDENTIALS = /^Cannot connect to S3 cats with specified AWS credentials$/;

const CONNECTION_FAULTS: readonly ConnectionFault[] = [
  {
    fault: "an endpoint where nobody listens",
    store: "gone",
    refusal: /^Cannot connect to S3 cats: .*check the endpoint/,
    ...{ code: "unavailable", reason: "s3.unreachable" },
    says: /cats.*does not take connections.*; check the endpoint's host and port/,
  },
  {
    fault: "a wrong secret key",
    store: { buckets: ["cats"], accessKeys: [{ ...S3_KEY, secretAccessKey: "rotated" }] },
    refusal: CREDENTIALS,
    ...{ code: "unauthenticated", reason: "s3.signature_mismatch" },
    says: /cats.*does not belong to the access key id.*; enter both again/,
  },
  {
    fault: "a key that the store does not know",
    store: { buckets: ["cats"], accessKeys: [{ ...S3_KEY, accessKeyId: "AKIASOMEBODYELSE" }] },
    refusal: CREDENTIALS,
    ...{ code: "unauthenticated", reason: "s3.invalid_access_key" },
    says: /cats.*does not know the access key id.*; check the access key id/,
  },
  {
    fault: "a session that is over",
    store: { buckets: ["cats"], accessKeys: [{ ...S3_KEY, expired: true }] },
    refusal: CREDENTIALS,
    ...{ code: "unauthenticated", reason: "s3.expired_token" },
    says: /cats.*has expired.*; enter a new key pair/,
  },
  {
    fault: "a missing bucket",
    store: { buckets: ["dogs"] },
    refusal: /^Cannot find bucket cats in S3$/,
    ...{ code: "not_found", reason: "s3.bucket_not_found" },
    says: /cats.*the bucket does not exist.*; check the name of the bucket/,
  },
  {
    fault: "a key that may not list",
    store: { buckets: ["cats"], accessKeys: [{ ...S3_KEY, allow: ["read"] }] },
    refusal: CREDENTIALS,
    ...{ code: "permission_denied", reason: "s3.access_denied" },
    says: /cats.*may not do this.*; a source needs s3:ListBucket/,
  },
  {
    fault: "a wrong region of a store that does not tell the right one",
    store: { status: 400, code: "AuthorizationHeaderMalformed" },
    refusal: /^Cannot connect to S3 cats: the bucket is in another region.*; set the region/,
    ...{ code: "invalid_config", reason: "s3.wrong_region" },
    says: /cats.*another region.*; set the region of the bucket/,
  },
];

async function breakStore(place: S3Place, { store }: ConnectionFault): Promise<void> {
  if (store === "gone") {
    await place.close();
  } else if ("status" in store) {
    const fake = await place.become({ buckets: ["cats"] });
    fake.inject({ ...store, kind: "error", on: "list", times: Infinity });
  } else {
    await place.become(store);
  }
}

/** A store of its own for one row. */
async function withPlace(use: (place: S3Place) => Promise<void>): Promise<void> {
  const place = await openS3Place();
  try {
    await putInOrder(place);
    await use(place);
  } finally {
    await place.close();
  }
}

async function expectRefused(
  client: Client,
  place: S3Place,
  { refusal }: ConnectionFault,
): Promise<void> {
  const project = await createProject(client);
  for (const url of ["/api/storages/s3/", "/api/storages/s3/validate"]) {
    const payload = { project, ...place.payload("cats", FILES) };
    const { status, text, body } = await client.call("POST", url, payload);
    expect(status, text).toBe(400);
    const errors = body["validation_errors"] as Record<string, string[]>;
    expect(errors["non_field_errors"]?.[0]).toMatch(refusal);
    expect(text).not.toContain(S3_KEY.secretAccessKey);
  }
}

async function expectFailed(scene: Scene, row: ConnectionFault): Promise<void> {
  const failed = await scene.sync();
  expect(failed).toMatchObject({ status: "failed", last_sync: null, last_sync_count: null });
  const { state, error } = (await scene.run()) as { state: string; error: Json };
  expect({ state, ...error }).toEqual({
    ...{ state: "failed", code: row.code, reason: row.reason },
    message: failed["traceback"],
  });
  expect(failed["traceback"]).toMatch(row.says);
  expect(failed["traceback"]).not.toContain(S3_KEY.secretAccessKey);
  expect(await scene.countTasks()).toBe(0);
}

async function expectHealed(scene: Scene): Promise<void> {
  expect(await scene.sync()).toMatchObject({
    ...{ status: "completed", traceback: null, last_sync_count: KEYS.length },
  });
  expect(await scene.tasks()).toEqual(KEYS);
}

/** Stores that cannot be used. At once, because the run of an endpoint where nobody listens is patient. */
export function describeConnectionFaults(getSystem: () => System): void {
  describe.concurrent("a store that cannot be used", () => {
    it.each(CONNECTION_FAULTS)("$fault: is refused at save, fails the run, and heals", (row) =>
      withPlace(async (place) => {
        await breakStore(place, row);
        await expectRefused(getSystem().client, place, row);
        await putInOrder(place);
        const scene = await createScene(getSystem().client, "s3", place.payload("cats", FILES));
        await breakStore(place, row);
        await expectFailed(scene, row);
        await putInOrder(place);
        await expectHealed(scene);
      }),
    );

    it.each(["malformed", "redirect"] as const)(
      "a wrong region (%s): is followed where the store tells the right one",
      (wrongRegion) =>
        withPlace(async (place) => {
          const buckets = [{ name: "cats", region: "eu-west-1", wrongRegion }];
          const fake = await place.become({ buckets });
          for (const key of KEYS) fake.putObject("cats", key, key);
          const scene = await createScene(getSystem().client, "s3", place.payload("cats", FILES));
          await expectHealed(scene);
        }),
    );

    it("an invalid regex: is refused at save and at PATCH by its field, and heals", () =>
      withPlace(async (place) => {
        const { client } = getSystem();
        const bad = { regex_filter: "(.*\\.jpg" };
        const payload = { ...place.payload("cats", FILES), project: await createProject(client) };
        const refused = await client.call("POST", "/api/storages/s3/", { ...payload, ...bad });
        expect(refused.status, refused.text).toBe(400);
        const errors = refused.body["validation_errors"] as Record<string, string[]>;
        expect(errors["regex_filter"]?.[0]).toMatch(/a parenthesis is not closed/);
        const scene = await createScene(client, "s3", place.payload("cats", FILES));
        expect((await client.call("PATCH", scene.url, bad)).status).toBe(400);
        const good = await client.call("PATCH", scene.url, { regex_filter: "[ab]\\.jpg" });
        expect(good.status, good.text).toBe(200);
        expect(await scene.sync()).toMatchObject({ status: "completed", traceback: null });
        expect(await scene.tasks()).toEqual(["a.jpg", "b.jpg"]);
      }));
  });
}
