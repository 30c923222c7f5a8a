import { startRedisFixture, type RedisFixture } from "@bucketbridge/storage/testing/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { useWorld, type SourceSeed } from "./harness.ts";

const getWorld = useWorld("worker_redis");

describe("values of Redis", () => {
  let fixture: RedisFixture | undefined;

  beforeAll(async () => {
    fixture = await startRedisFixture();
    const values = Array.from({ length: 40 }, (_, n) => [
      `t:${String(n)}`,
      JSON.stringify([{ text: `${String(n)} a` }, { text: `${String(n)} b` }]),
    ]);
    await fixture?.session.send("MSET", ...values.flat());
  });
  beforeEach(({ skip }) => {
    if (fixture === undefined) skip("no redis-server on the PATH: apt-get install redis-server");
  });
  afterAll(() => fixture?.stop());

  async function importOf(
    settings: Record<string, unknown>,
    seed: Partial<SourceSeed> = {},
  ): Promise<{ readonly storageId: number; readonly run: unknown }> {
    const world = getWorld();
    await world.startWorker({});
    const { host, port } = fixture ?? {};
    const place = { host, port: String(port), db: 1, path: "t:" };
    const storageId = await world.addSource({
      provider: "redis",
      settings: { ...place, ...settings },
      ...seed,
    });
    const { runId } = await world.request(storageId);
    return { storageId, run: await world.waitForEnd(runId) };
  }

  it("are task definitions also where the files method was chosen", async () => {
    const { storageId, run } = await importOf({}, { useBlobUrls: true });
    expect(run).toMatchObject({ state: "completed", failed: 0 });
    expect(await getWorld().countTasks(storageId)).toEqual({ tasks: 80, distinct: 80 });
  });

  it("are chosen by the regex, which looks at the whole key", async () => {
    const { storageId } = await importOf({}, { useBlobUrls: false, regexFilter: "t:1.*" });
    expect(await getWorld().countTasks(storageId)).toEqual({ tasks: 22, distinct: 22 });
  });

  it("of another type are an issue each, and the others are tasks", async () => {
    await fixture?.session.send("HSET", "t:hash", "field", "value");
    const { storageId, run } = await importOf({}, { useBlobUrls: false });
    await fixture?.session.send("UNLINK", "t:hash");
    expect(run).toMatchObject({ state: "completed_with_errors", failed: 1 });
    expect(await getWorld().countTasks(storageId)).toEqual({ tasks: 80, distinct: 80 });
    const issues = await getWorld().query<{ message: string }>(
      `SELECT message FROM issue WHERE storage_id = ${String(storageId)}`,
    );
    expect(issues).toEqual([
      { message: expect.stringContaining("the key holds no string") as string },
    ]);
  });

  it("in a database that is not there end the run with its reason", async () => {
    const { run } = await importOf({ db: 99 });
    expect(run).toMatchObject({ state: "failed" });
    expect(JSON.stringify(run)).toContain("no database 99");
  });
});
