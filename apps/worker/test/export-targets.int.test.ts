import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createStorageRepository, type StorageFields } from "@bucketbridge/db";
import { AppError } from "@bucketbridge/core";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { ExportProject } from "./export-harness.ts";
import { useWorld, type TestWorker, type World } from "./harness.ts";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "bucketbridge-targets-"));
afterAll(() => {
  fs.rmSync(root, { recursive: true, force: true });
});

const getWorld = useWorld("worker_export_targets");
let world: World;
let project: ExportProject;
let buckets = 0;
let bucket = "";

beforeEach(async () => {
  world = getWorld();
  project = await ExportProject.create(world);
  buckets++;
  bucket = `target-${String(buckets)}`;
});

function startExports(): Promise<TestWorker> {
  return world.startWorker({
    groups: ["export"],
    exporting: { settleSeconds: 1 },
    localFiles: { documentRoot: root, servingEnabled: true },
  });
}

/** Changes a target as the API does, and rings for the run that fills it anew. */
async function change(
  targetId: number,
  fields: Partial<StorageFields>,
  effect: "move" | "restart" | "none",
): Promise<void> {
  const storages = createStorageRepository(world.database);
  const { organizationId } = project.tenant;
  const now = await storages.find(organizationId, targetId, { direction: "target" });
  const settingsVersion = now?.settingsVersion ?? 0;
  const update = { fields, secrets: undefined, settingsVersion, effect };
  const updated = await storages.update(organizationId, targetId, update);
  if (updated === undefined) throw new AppError({ code: "conflict", message: "changed meanwhile" });
  // Nobody rings for the run that follows: the sweep does.
}

async function objectsOf(name: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const ctx = { signal: new AbortController().signal };
  const memory = world.buckets.bucket(name);
  const { keys } = await memory.listPage({ prefix: "", recursive: true, limit: 1_000 }, ctx);
  const entries = keys.map(async (key): Promise<[string, readonly string[]]> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await memory.read({ key }, ctx)).body) chunks.push(chunk);
    return [key, notesIn(JSON.parse(Buffer.concat(chunks).toString()) as Exported)];
  });
  return Object.fromEntries(await Promise.all(entries));
}

type Exported = { readonly result?: Result; readonly annotations?: readonly { result: Result }[] };
type Result = readonly { readonly note: string }[];

/** Notes of an object: of its annotation, or of all annotations of its task. */
function notesIn({ result, annotations }: Exported): readonly string[] {
  const results = annotations?.map((annotation) => annotation.result) ?? [result ?? []];
  return results.flat().map(({ note }) => note);
}

async function isMoved(targetId: number): Promise<void> {
  await project.waitForRun(targetId);
  await project.waitForRest(targetId);
}

describe("a target on local files", () => {
  it("holds indented JSON in files, which follow saves and deletes", async () => {
    const folder = path.join(root, bucket);
    fs.mkdirSync(folder);
    await startExports();
    const target = await project.addTarget({ provider: "localfiles", settings: { path: folder } });
    const [one, two] = await project.saveMany(2);
    await project.waitForRest(target);
    expect(fs.readdirSync(folder).sort()).toEqual([String(one?.id), String(two?.id)].sort());
    await project.save({ annotationId: one?.id ?? 0 }, { note: "newest" });
    await project.remove(two?.id ?? 0);
    await project.waitForRest(target);
    expect(fs.readdirSync(folder)).toEqual([String(one?.id)]);
    const text = fs.readFileSync(path.join(folder, String(one?.id)), "utf8");
    expect(text).toMatch(/^\{\n {2}"id": \d+,\n/);
    expect(notesIn(JSON.parse(text) as Exported)).toEqual(["newest"]);
  });

  it("is an outage while its folder is gone, and is filled when it is back", async () => {
    const folder = path.join(root, bucket);
    fs.mkdirSync(folder);
    await startExports();
    const target = await project.addTarget({ provider: "localfiles", settings: { path: folder } });
    fs.rmSync(folder, { recursive: true });
    fs.writeFileSync(folder, "a file where the folder was");
    const [saved] = await project.saveMany(1);
    const failed = await project.waitForFailure(target);
    expect(failed.message).not.toBe("");
    fs.rmSync(folder);
    fs.mkdirSync(folder);
    await project.waitForRest(target);
    expect(fs.readdirSync(folder)).toEqual([String(saved?.id)]);
  });
});

describe("a target per task", () => {
  it("holds one object per task, written anew with each change; the last deletion takes it", async () => {
    await startExports();
    const target = await project.addTarget({ bucket, subject: "task", jsonExtension: true });
    const [taskId = 0] = await project.addTasks(1);
    const key = `${String(taskId)}.json`;
    const one = await project.save({ taskId }, { note: "one" });
    const two = await project.save({ taskId }, { note: "two" });
    await project.waitForRest(target);
    expect(await objectsOf(bucket)).toEqual({ [key]: ["one", "two"] });
    await project.remove(one.id);
    await project.waitForRest(target);
    expect(await objectsOf(bucket)).toEqual({ [key]: ["two"] });
    await project.remove(two.id);
    await project.waitForRest(target);
    expect(await objectsOf(bucket)).toEqual({});
  });

  it("keeps the object of a task without annotations where it may not delete", async () => {
    await startExports();
    const fields = { bucket, subject: "task", canDeleteObjects: false } as const;
    const target = await project.addTarget(fields);
    const [taskId = 0] = await project.addTasks(1);
    const { id } = await project.save({ taskId }, { note: "one" });
    await project.waitForRest(target);
    await project.remove(id);
    await project.waitForRest(target);
    expect(await objectsOf(bucket)).toEqual({ [String(taskId)]: ["one"] });
  });

  it("is what a target per annotation becomes: everything is written anew under the other keys", async () => {
    await startExports();
    const target = await project.addTarget({ bucket });
    const [taskId = 0] = await project.addTasks(1);
    const one = await project.save({ taskId }, { note: "one" });
    await project.waitForRest(target);
    await change(target, { subject: "task", keyTemplate: "task-${task_id}" }, "move");
    await isMoved(target);
    const moved = `task-${String(taskId)}`;
    expect(await objectsOf(bucket)).toEqual({ [String(one.id)]: ["one"], [moved]: ["one"] });
    await project.save({ taskId }, { note: "two" });
    await project.waitForRest(target);
    expect((await objectsOf(bucket))[moved]).toEqual(["one", "two"]);
  });
});

describe("a target that moves", () => {
  it("is filled at the new place; a delete that was pending is finished at the old one", async () => {
    const target = await project.addTarget({ bucket, prefix: "old" });
    const worker = await startExports();
    const [kept, gone] = await project.saveMany(2);
    await project.waitForRest(target);
    await worker.stop();
    await project.remove(gone?.id ?? 0);
    await change(target, { prefix: "new" }, "move");
    await startExports();
    await isMoved(target);
    const key = String(kept?.id);
    expect(await objectsOf(bucket)).toEqual({ [`old/${key}`]: [""], [`new/${key}`]: [""] });
    const places = await world.query(
      `SELECT FROM delivery WHERE target_id = ${String(target)} AND old_place IS NOT NULL`,
    );
    expect(places).toEqual([]);
  });

  it("while saves go on gets every one of them at the new place", async () => {
    await startExports();
    const target = await project.addTarget({ bucket, prefix: "old" });
    const saved = await project.saveMany(20);
    const savers = saved.map(async ({ id }, index) => {
      await project.save({ annotationId: id }, { note: `note ${String(index)}` });
    });
    await change(target, { prefix: "new" }, "move");
    await Promise.all(savers);
    await isMoved(target);
    const there = Object.entries(await objectsOf(bucket)).filter(([key]) => key.startsWith("new/"));
    expect(Object.fromEntries(there)).toEqual(
      Object.fromEntries(
        saved.map(({ id }, index) => [`new/${String(id)}`, [`note ${String(index)}`]]),
      ),
    );
  });
});
