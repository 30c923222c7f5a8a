import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { startS3Fake, type S3Fake } from "@bucketbridge/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useWorld, type SourceSeed } from "./harness.ts";

const getWorld = useWorld("worker_providers");

/** Data of the tasks of a storage, in the order of their keys. */
async function taskData(storageId: number): Promise<unknown[]> {
  const rows = await getWorld().query<{ data: unknown }>(
    `SELECT t.data FROM task t JOIN source_object o ON o.id = t.source_object_id
     WHERE o.storage_id = ${String(storageId)} ORDER BY o.key, t.row_index`,
  );
  return rows.map(({ data }) => data);
}

describe("local files", () => {
  let root = "";

  beforeAll(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "bucketbridge-files-"));
    for (const [name, body] of [
      ["img/a b.jpg", "x"],
      ["img/deep/ä.jpg", "x"],
      ["img/notes.txt", "x"],
      ["tasks/1.json", '{"image":"one.jpg"}'],
      ["tasks/2.json", '[{"image":"two.jpg"},{"image":"three.jpg"}]'],
    ] as const) {
      fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      fs.writeFileSync(path.join(root, name), body);
    }
  });
  afterAll(() => {
    fs.rmSync(root, { recursive: true });
  });

  async function importFolder(folder: string, seed: SourceSeed): Promise<number> {
    const world = getWorld();
    await world.startWorker({ localFiles: { documentRoot: root, servingEnabled: true } });
    const settings = { path: path.join(root, folder) };
    const storageId = await world.addSource({ provider: "localfiles", settings, ...seed });
    const run = await world.waitForEnd((await world.request(storageId)).runId);
    expect(run).toMatchObject({ state: "completed", failed: 0 });
    return storageId;
  }

  it("become one task per file that the filter lets through", async () => {
    const storageId = await importFolder("img", { regexFilter: ".*jpg" });
    expect(await taskData(storageId)).toEqual([
      { $undefined$: "/data/local-files/?d=img/a%20b.jpg" },
      { $undefined$: "/data/local-files/?d=img/deep/%C3%A4.jpg" },
    ]);
  });

  it("become one task per row by the tasks method", async () => {
    const storageId = await importFolder("tasks", { useBlobUrls: false });
    expect(await taskData(storageId)).toEqual([
      { image: "one.jpg" },
      { image: "two.jpg" },
      { image: "three.jpg" },
    ]);
  });
});

describe("S3", () => {
  let s3: S3Fake;

  beforeAll(async () => {
    s3 = await startS3Fake({ buckets: ["cats"] });
    for (let n = 0; n < 2_500; n++) {
      s3.putObject("cats", `img/${String(n).padStart(5, "0")}.jpg`, "x");
    }
    for (let n = 0; n < 100; n++) {
      const rows = [0, 1, 2].map((row) => ({ image: `${String(n)}-${String(row)}.jpg` }));
      s3.putObject("cats", `tasks/${String(n).padStart(3, "0")}.json`, JSON.stringify(rows));
    }
  });
  afterAll(() => s3.close());

  function aSource(over: SourceSeed): SourceSeed {
    const [key] = s3.accessKeys;
    return {
      provider: "s3",
      settings: { bucket: "cats", s3_endpoint: s3.endpoint, region_name: s3.region },
      secrets: {
        aws_access_key_id: key?.accessKeyId ?? "",
        aws_secret_access_key: key?.secretAccessKey ?? "",
      },
      ...over,
    };
  }

  it("becomes one task per object below the prefix, once", async () => {
    const world = getWorld();
    await world.startWorker();
    const storageId = await world.addSource(aSource({ prefix: "img" }));
    const run = await world.waitForEnd((await world.request(storageId)).runId);
    expect(run).toMatchObject({ state: "completed", created: 2_500 });
    const data = await taskData(storageId);
    expect(data).toHaveLength(2_500);
    expect(data[0]).toEqual({ $undefined$: "s3://cats/img/00000.jpg" });
    const again = await world.waitForEnd((await world.request(storageId)).runId);
    expect(again).toMatchObject({ state: "completed", created: 0, known: 2_500 });
  });

  it("becomes one task per row by the tasks method", async () => {
    const world = getWorld();
    await world.startWorker();
    const storageId = await world.addSource(aSource({ prefix: "tasks", useBlobUrls: false }));
    const run = await world.waitForEnd((await world.request(storageId)).runId);
    expect(run).toMatchObject({ state: "completed", tasks: 300 });
    expect(await world.countTasks(storageId)).toEqual({ tasks: 300, distinct: 300 });
    expect(s3.openBodies).toBe(0);
  });

  it("ends a run with wrong keys as failed, with a sentence that names the bucket and no key", async () => {
    const world = getWorld();
    await world.startWorker();
    const secrets = { aws_access_key_id: "AKIAWRONGWRONGWRONG1", aws_secret_access_key: "hunter2" };
    const storageId = await world.addSource(aSource({ secrets }));
    const run = await world.waitForEnd((await world.request(storageId)).runId);
    expect(run).toMatchObject({ state: "failed", errorCode: "unauthenticated" });
    expect(run.errorMessage).toContain("s3://cats");
    expect(run.errorMessage).not.toMatch(/hunter2|AKIAWRONG/);
  });

  it("is refused at a private address that the operator did not allow", async () => {
    const world = getWorld();
    await world.startWorker({ egressAllow: [] });
    const storageId = await world.addSource(aSource({}));
    const run = await world.waitForEnd((await world.request(storageId)).runId);
    expect(run).toMatchObject({ state: "failed", errorCode: "permission_denied" });
    expect(run.errorReason).toMatch(/^egress\./);
  });
});
