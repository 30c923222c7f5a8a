import type { S3Fake, S3FakeOptions } from "@bucketbridge/testkit";
import { describe, expect, it } from "vitest";
import { S3_KEY, withS3Place, type S3Place } from "./s3-place.ts";
import type { System } from "./system.ts";
import { ExportScene } from "./target-scene.ts";

type S3Fault = Parameters<S3Fake["inject"]>[0];

interface StoreFault {
  readonly fault: string;
  /** Other settings of the store, or what it answers to every put. */
  readonly store: S3FakeOptions | { readonly put: S3Fault };
  readonly code: string;
  /** What the delivery names, and the remedy. */
  readonly says: RegExp;
  /** Nobody is answered: one probe at a time instead of an attempt for each object. */
  readonly isOutage: boolean;
}

const everyPut = (fault: object): { readonly put: S3Fault } => ({
  put: { ...fault, on: "put", times: Infinity } as S3Fault,
});

const STORE_FAULTS: readonly StoreFault[] = [
  {
    fault: "a key that may not write",
    store: { buckets: ["out"], accessKeys: [{ ...S3_KEY, allow: ["list", "read", "delete"] }] },
    code: "permission_denied",
    says: /may not do this.*a target s3:PutObject/,
    isOutage: true,
  },
  {
    fault: "a bucket that is gone",
    store: { buckets: ["other"] },
    code: "not_found",
    says: /the bucket does not exist.*; check the name of the bucket/,
    isOutage: true,
  },
  {
    fault: "a quota that is used up",
    store: everyPut({ kind: "error", status: 403, code: "QuotaExceeded" }),
    code: "unavailable",
    says: /no room left.*QuotaExceeded, HTTP 403.*; free some space/,
    isOutage: true,
  },
  {
    fault: "throttling with Retry-After",
    store: everyPut({
      kind: "error",
      status: 503,
      code: "SlowDown",
      headers: { "retry-after": "2" },
    }),
    code: "rate_limited",
    // The second sentence comes from the pause that all calls to the host keep.
    says: /asks for fewer requests|asked for a pause/,
    isOutage: true,
  },
  {
    fault: "an error document with status 200",
    store: everyPut({ kind: "error_in_200", code: "InternalError" }),
    code: "unavailable",
    says: /cannot answer now|not one of S3/,
    isOutage: true,
  },
  {
    fault: "a web page with status 200",
    store: everyPut({ kind: "body", body: "<html>sign in</html>" }),
    code: "unavailable",
    says: /a put without an ETag.*check the endpoint/,
    isOutage: true,
  },
  {
    fault: "connections that are cut",
    store: everyPut({ kind: "reset" }),
    code: "unavailable",
    says: /connection was lost/,
    isOutage: true,
  },
];

async function breakStore(place: S3Place, { store }: StoreFault): Promise<void> {
  if ("put" in store) place.fake.inject(store.put);
  else await place.become(store);
}

/** Stores that do not take what they get. */
export function describeStoreFaults(getSystem: () => System): void {
  describe.concurrent("a store that does not take it", () => {
    it.each(STORE_FAULTS)("$fault: is kept and told, and heals", (row) =>
      withS3Place(async (place) => {
        place.fake.createBucket({ name: "out" });
        const scene = await ExportScene.create(getSystem().client, 5);
        const target = await scene.addTarget(place);
        await target.settled();
        await breakStore(place, row);
        const [first = 0, ...others] = await scene.annotateAll();

        const failing = await target.failing(row.code);
        expect(failing[0]).toMatchObject({ deliveredRevision: null, errorCode: row.code });
        expect(failing[0]?.["errorMessage"]).toMatch(row.says);
        expect(JSON.stringify(failing)).not.toContain(S3_KEY.secretAccessKey);
        if (row.isOutage) expect(await target.outage()).toMatchObject({ code: row.code });
        // The sync of all is honest about it, and the deliveries stay due.
        const synced = await target.sync();
        expect(synced).toMatchObject({ status: "failed" });
        expect(synced["traceback"]).toMatch(row.says);
        expect(target.bucket()).toEqual({});
        // One probe at a time, not an attempt for each object and moment.
        if (row.isOutage) expect(place.fake.counters.put).toBeLessThan(40);

        await scene.change(first, "newest");
        await place.become({ buckets: ["out"] });
        await target.retryFailed();
        await target.rest();
        const expected = {
          [String(first)]: "newest",
          ...Object.fromEntries(others.map((id) => [String(id), "first"])),
        };
        expect(target.bucket()).toEqual(expected);
        expect(await target.show()).toMatchObject({ outage: null });
        expect(await target.sync()).toMatchObject({ status: "completed", traceback: null });
        expect(target.bucket()).toEqual(expected);
      }),
    );
  });
}
