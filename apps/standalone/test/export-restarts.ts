import { testRedisUrl } from "@bucketbridge/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { OwnServers } from "./own-servers.ts";
import { withS3Place } from "./s3-place.ts";
import { useSystemOn, type System } from "./system.ts";
import { ExportScene } from "./target-scene.ts";

/** More than a worker has in its hands. */
const TASKS = 120;

/** A target in the middle of its pushes, and then `restart`. */
async function withBusyPushes(system: System, restart: () => Promise<void>): Promise<void> {
  await withS3Place(async (place) => {
    place.fake.createBucket({ name: "out" });
    const scene = await ExportScene.create(system.client, TASKS);
    const target = await scene.addTarget(place);
    await target.settled();
    place.fake.setLatency({ put: 400 });
    const ids = await scene.annotateAll();
    await target.until("the first objects", () => place.fake.listKeys("out").length > 0);
    await restart();
    await target.until("a save to go through", async () => {
      await scene.change(ids[0] ?? 0, "newest");
      return true;
    });
    place.fake.setLatency({});
    await target.rest();
    const expected = { ...Object.fromEntries(ids.map((id) => [String(id), "first"])) };
    expected[String(ids[0])] = "newest";
    expect(target.bucket()).toEqual(expected);
    expect(await target.sync()).toMatchObject({ status: "completed", last_sync_count: TASKS });
    expect(target.bucket()).toEqual(expected);
  });
}

/** Servers that end and come back while pushes are on their way. */
export function describeExportRestarts(): void {
  describe("a target whose servers restart", { concurrent: false }, () => {
    const servers = new OwnServers();
    // Registered first, so it runs after the system has ended.
    afterAll(() => servers.stop());
    const getSystem = useSystemOn(() => servers.start(), "export");

    it.skipIf(testRedisUrl() === undefined)(
      "Redis: comes back empty, and the bucket converges",
      () => withBusyPushes(getSystem(), () => servers.restartRedis()),
    );

    it("PostgreSQL: comes back, and the bucket converges", () =>
      withBusyPushes(getSystem(), () => servers.restartPostgres()));
  });
}
