import { beforeEach, describe, expect, it } from "vitest";
import { useWorld, type World } from "./harness.ts";

const getWorld = useWorld("worker_import");
let world: World;
let buckets = 0;
let bucket = "";

beforeEach(() => {
  world = getWorld();
  buckets++;
  bucket = `bucket-${String(buckets)}`;
});

function put(key: string, body = "x"): void {
  world.buckets.bucket(bucket).write(key, Buffer.from(body));
}

function putMany(count: number, extension: string, body: string): void {
  for (let n = 0; n < count; n++) put(`data/${String(n).padStart(5, "0")}.${extension}`, body);
}

describe("an import by the files method", () => {
  it("makes one task per object, and later one per new object", async () => {
    putMany(2_500, "jpg", "x");
    const storageId = await world.addSource({ bucket });
    await world.startWorker();
    const first = await world.waitForEnd((await world.request(storageId)).runId);
    expect(first).toMatchObject({ state: "completed", listed: 2_500, created: 2_500, failed: 0 });
    const second = await world.waitForEnd((await world.request(storageId)).runId);
    expect(second).toMatchObject({ state: "completed", created: 0, known: 2_500 });
    put("data/new.jpg");
    const third = await world.waitForEnd((await world.request(storageId)).runId);
    expect(third).toMatchObject({ state: "completed", created: 1, known: 2_500 });
    expect(await world.countTasks(storageId)).toEqual({ tasks: 2_501, distinct: 2_501 });
  });

  it("runs once for requests that come together, and once more for those that came meanwhile", async () => {
    putMany(100, "jpg", "x");
    const storageId = await world.addSource({ bucket });
    const requests = [1, 2, 3, 4, 5].map(() => world.request(storageId));
    const asked = await Promise.all(requests);
    expect(new Set(asked.map(({ runId }) => runId)).size).toBe(1);
    const gate = Promise.withResolvers<undefined>();
    const listing = Promise.withResolvers<undefined>();
    world.buckets.plan(bucket, {
      before: async () => {
        listing.resolve(undefined);
        await gate.promise;
      },
    });
    await world.startWorker();
    await listing.promise;
    const meanwhile = await Promise.all([1, 2, 3].map(() => world.request(storageId)));
    expect(new Set(meanwhile.map(({ runId, state }) => `${String(runId)} ${state}`)).size).toBe(1);
    expect(meanwhile[0]?.state).toBe("waiting");
    put("data/late.jpg");
    gate.resolve(undefined);
    const last = await world.waitForEnd(meanwhile[0]?.runId ?? 0);
    expect(last.state).toBe("completed");
    expect(await world.countTasks(storageId)).toEqual({ tasks: 101, distinct: 101 });
  });

  it("writes nothing at a dry run", async () => {
    putMany(10, "jpg", "x");
    const storageId = await world.addSource({ bucket });
    await world.startWorker();
    const { runId } = await world.request(storageId, { kind: "dry_run" });
    expect(await world.waitForEnd(runId)).toMatchObject({ state: "completed", listed: 10 });
    expect(await world.countTasks(storageId)).toEqual({ tasks: 0, distinct: 0 });
  });
});

describe("an import by the tasks method", () => {
  it("makes one task per row, keeps bad rows as issues and completes once they are mended", async () => {
    put("a.json", '{"image":"a.jpg"}');
    put("b.json", '[{"image":"b1.jpg"},{"image":"b2.jpg"}]');
    put("c.jsonl", '{"image":"c1.jpg"}\n{"image":\n{"image":"c3.jpg"}\n');
    const storageId = await world.addSource({ bucket, useBlobUrls: false });
    await world.startWorker();
    const first = await world.waitForEnd((await world.request(storageId)).runId);
    expect(first).toMatchObject({ state: "completed_with_errors", tasks: 5, failed: 1 });
    expect(await world.countTasks(storageId)).toEqual({ tasks: 5, distinct: 5 });
    put("c.jsonl", '{"image":"c1.jpg"}\n{"image":"c2.jpg"}\n{"image":"c3.jpg"}\n');
    const { runId } = await world.request(storageId, { kind: "retry" });
    expect(await world.waitForEnd(runId)).toMatchObject({ state: "completed", failed: 0 });
    expect(await world.countTasks(storageId)).toEqual({ tasks: 6, distinct: 6 });
  });

  it("shares one run among workers", async () => {
    const rows = Array.from({ length: 20 }, (_, n) => ({ image: `${String(n)}.jpg` }));
    putMany(600, "json", JSON.stringify(rows));
    const storageId = await world.addSource({ bucket, useBlobUrls: false });
    // A store that is away for some milliseconds, or the first worker would be done before the second one wakes up.
    world.buckets.plan(bucket, {
      before: ({ method, ctx }) =>
        method === "read" ? world.pause(20, ctx.signal) : Promise.resolve(),
    });
    const workers = await Promise.all([world.startWorker(), world.startWorker()]);
    const run = await world.waitForEnd((await world.request(storageId)).runId);
    expect(run).toMatchObject({ state: "completed", tasks: 12_000 });
    expect(await world.countTasks(storageId)).toEqual({ tasks: 12_000, distinct: 12_000 });
    const rowsOf = await Promise.all(workers.map((worker) => committedRows(worker.healthPort)));
    expect(rowsOf.reduce((sum, count) => sum + count, 0)).toBe(12_000);
    expect(Math.min(...rowsOf)).toBeGreaterThan(0.2 * 12_000);
  }, 60_000);
});

async function committedRows(healthPort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${String(healthPort)}/metrics`);
  const text = await response.text();
  return Number(/bucketbridge_import_committed_total\{unit="row"\} (\d+)/.exec(text)?.[1] ?? 0);
}
