import { describe, expect, it } from "vitest";
import { withS3Place } from "./s3-place.ts";
import { createProject, createScene } from "./scene.ts";
import type { System } from "./system.ts";

/** Addresses that the operator did not allow. The system is the suite's own: its workers are stopped. */
export function describePrivateAddress(getSystem: () => System): void {
  describe.concurrent("a private address", () => {
    it("is 403 at save and fails the run where it is not allowed, and works once it is", () =>
      withS3Place(async (place) => {
        const fake = await place.become({ buckets: ["cats"] });
        for (const key of ["a.jpg", "b.jpg"]) fake.putObject("cats", key, key);
        const system = getSystem();
        const closed = { BUCKETBRIDGE_EGRESS_ALLOW: undefined };
        const [, strictClient] = await Promise.all([
          system.stopWorkers(),
          ...[system.startApi(closed), system.startWorker(closed)],
        ] as const);
        const project = await createProject(system.client);
        const payload = place.payload("cats", { use_blob_urls: true });
        for (const url of ["/api/storages/s3/", "/api/storages/s3/validate"]) {
          const refused = await strictClient.call("POST", url, { project, ...payload });
          expect([refused.status, refused.body["detail"]]).toEqual([
            403,
            "URL resolves to a reserved network address (block: 127.0.0.0/8) Allow it with BUCKETBRIDGE_EGRESS_ALLOW.",
          ]);
        }
        const requests = Object.values(place.fake.counters).reduce((sum, count) => sum + count, 0);
        expect(requests).toBe(0);

        const scene = await createScene(system.client, "s3", payload);
        const failed = await scene.sync();
        expect(failed["status"]).toBe("failed");
        expect((await scene.run())["error"]).toMatchObject({
          ...{ code: "permission_denied", reason: "egress.private_address" },
        });
        expect(failed["traceback"]).toMatch(
          /cats.*127\.0\.0\.0\/8.*Allow it with BUCKETBRIDGE_EGRESS_ALLOW/,
        );

        await Promise.all([system.stopWorkers(), system.startWorker()]);
        expect(await scene.sync()).toMatchObject({ status: "completed", traceback: null });
        expect(await scene.tasks()).toEqual(["a.jpg", "b.jpg"]);
      }));
  });
}
