import { testRedisUrl, waitFor } from "@bucketbridge/testkit";
import { afterAll, describe, expect, it } from "vitest";
import type { Client } from "./client.ts";
import { OwnServers } from "./own-servers.ts";
import { withS3Place, type S3Place } from "./s3-place.ts";
import { createScene, type Scene } from "./scene.ts";
import { useSystemOn, type System } from "./system.ts";

/** For the first page of a run. */
const BEGIN = { timeoutMs: 60_000, intervalMs: 100 };
const OBJECTS = 5_000;
const KEYS = Array.from({ length: OBJECTS }, (_, n) => `${String(n).padStart(5, "0")}.jpg`);

/** A bucket of five pages that come slowly, and a run that is in the middle of them. */
async function withBusyRun(
  client: Client,
  use: (busy: { place: S3Place; scene: Scene; client: Client; runId: number }) => Promise<void>,
): Promise<void> {
  await withS3Place(async (place) => {
    place.fake.putCopies("cats", KEYS, "x");
    place.fake.setLatency({ list: 700 });
    const scene = await createScene(client, "s3", place.payload("cats", { use_blob_urls: true }));
    const runId = await scene.begin();
    await waitFor(async () => (await scene.countTasks()) > 0, BEGIN);
    await use({ place, scene, client, runId });
  });
}

async function expectEverythingOnce(scene: Scene): Promise<void> {
  expect(await scene.settle()).toMatchObject({ status: "completed", traceback: null });
  expect(await scene.tasks()).toEqual(KEYS);
  expect(await scene.sync()).toMatchObject({ status: "completed", last_sync_count: 0 });
  expect(await scene.tasks()).toEqual(KEYS);
}

/** Requests that come while a run is in the middle of its pages. */
export function describeDisturbedRuns(getSystem: () => System): void {
  describe.concurrent("a run that is disturbed by requests", () => {
    it("sync requests while it runs: are one run more at most, and no task twice", () =>
      withBusyRun(getSystem().client, async ({ scene, client, runId }) => {
        const native = `/api/v1/storages/${String(scene.storageId)}/sync`;
        const answers = await Promise.all([
          ...[0, 1, 2].map(() => client.call("POST", native)),
          ...[0, 1].map(() => client.call("POST", `${scene.url}/sync`)),
        ]);
        expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 200, 200]);
        await scene.settle();
        const runs = await client.call("GET", `/api/v1/runs?storage=${String(scene.storageId)}`);
        const states = (runs.body["items"] as { id: number; state: string }[]).map(
          ({ id, state }) => [id === runId, state],
        );
        expect(states).toEqual([
          [false, "completed"],
          [true, "completed"],
        ]);
        await expectEverythingOnce(scene);
      }));

    it("the storage is deleted: the run ends, its tasks stay, a new storage has all of them", () =>
      withBusyRun(getSystem().client, async ({ place, scene, client, runId }) => {
        place.fake.setLatency({ list: 3_000 });
        expect((await client.call("DELETE", scene.url)).status).toBe(204);
        expect((await client.call("GET", scene.url)).status).toBe(404);
        expect((await client.call("POST", `${scene.url}/sync`)).status).toBe(404);
        const left = await scene.countTasks();
        expect((await client.call("GET", `/api/v1/runs/${String(runId)}`)).status).toBe(404);
        place.fake.setLatency({});
        const next = await createScene(
          client,
          "s3",
          place.payload("cats", { use_blob_urls: true }),
        );
        expect(await next.sync()).toMatchObject({ status: "completed", traceback: null });
        expect(await next.tasks()).toEqual(KEYS);
        // The old run had time for its other pages, and took none of them.
        expect(await scene.countTasks()).toBe(left);
        expect(left).toBeLessThan(OBJECTS);
      }));

    it("the project is deleted: the run ends, and a new project has everything", () =>
      withBusyRun(getSystem().client, async ({ place, scene, client, runId }) => {
        place.fake.setLatency({ list: 3_000 });
        const project = `/api/projects/${String(scene.project)}/`;
        expect((await client.call("DELETE", project)).status).toBe(204);
        for (const url of [project, scene.url, `/api/v1/runs/${String(runId)}`]) {
          expect([url, (await client.call("GET", url)).status]).toEqual([url, 404]);
        }
        place.fake.setLatency({});
        const next = await createScene(
          client,
          "s3",
          place.payload("cats", { use_blob_urls: true }),
        );
        await next.begin();
        await expectEverythingOnce(next);
      }));
  });
}

/** Servers that end and come back while a run is in the middle of its pages. */
export function describeRestarts(): void {
  describe.concurrent("a run whose servers restart", () => {
    const servers = new OwnServers();
    // Registered first, so it runs after the system has ended.
    afterAll(() => servers.stop());
    const getSystem = useSystemOn(() => servers.start());
    /** One server at a time. */
    let redisIsBack: Promise<void> = Promise.resolve();

    it.skipIf(testRedisUrl() === undefined)(
      "Redis: comes back empty, and everything is there once",
      () =>
        (redisIsBack = withBusyRun(getSystem().client, async ({ scene }) => {
          await servers.restartRedis();
          await expectEverythingOnce(scene);
        })),
    );

    it("PostgreSQL: comes back, and everything is there once", async () => {
      await Promise.allSettled([redisIsBack]);
      await withBusyRun(getSystem().client, async ({ scene }) => {
        await servers.restartPostgres();
        await expectEverythingOnce(scene);
      });
    });
  });
}
