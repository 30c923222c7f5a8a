import { cancelRun, createReconcileStore, type ReconcileEntry } from "@bucketbridge/db";
import { waitFor } from "@bucketbridge/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { ExportProject } from "./export-harness.ts";
import { useWorld, type TestWorker, type World } from "./harness.ts";

const getWorld = useWorld("worker_reconcile");
const ctx = { signal: new AbortController().signal };
let world: World;
let project: ExportProject;
let buckets = 0;
let bucket = "";

beforeEach(async () => {
  world = getWorld();
  project = await ExportProject.create(world);
  buckets++;
  bucket = `compared-${String(buckets)}`;
});

function startExports(
  exporting: TestWorker["deps"]["settings"]["exporting"] = {},
): Promise<TestWorker> {
  return world.startWorker({ groups: ["export"], exporting: { settleSeconds: 1, ...exporting } });
}

async function keysOf(name: string): Promise<readonly string[]> {
  const request = { prefix: "", recursive: true, limit: 10_000 };
  return (await world.buckets.bucket(name).listPage(request, ctx)).keys;
}

async function compare(targetId: number, repair = false): ReturnType<World["waitForEnd"]> {
  const runId = await project.sync(targetId, "reconcile", repair ? { repair } : {});
  return world.waitForEnd(runId, { tenant: project.tenant });
}

async function found(runId: number): Promise<readonly (readonly [string, string])[]> {
  const entries: readonly ReconcileEntry[] = await createReconcileStore(world.database).page(
    project.tenant.organizationId,
    { runId, limit: 1_000 },
  );
  return entries.map(({ kind, key }) => [kind, key]);
}

/** A target at rest, with the ids of its annotations. */
async function aFullTarget(count: number): Promise<readonly [number, readonly string[]]> {
  const target = await project.addTarget({ bucket, prefix: "out" });
  const saved = await project.saveMany(count);
  await project.waitForRest(target);
  return [target, saved.map(({ id }) => `out/${String(id)}`)];
}

describe("a comparison", () => {
  it("finds nothing where the bucket is as it should be", async () => {
    await startExports();
    const [target] = await aFullTarget(5);
    world.buckets.bucket(bucket).write("elsewhere/x", Buffer.from("x"));
    const run = await compare(target);
    expect(run).toMatchObject({ kind: "reconcile", state: "completed", listed: 5, failed: 0 });
    expect(await found(run.id)).toEqual([]);
  });

  it("finds what is missing, changed, foreign and there again, and touches nothing", async () => {
    await startExports({ comparePage: 2, markChunk: 2 });
    const [target, keys] = await aFullTarget(6);
    const memory = world.buckets.bucket(bucket);
    const [missing = "", changed = "", deleted = ""] = keys;
    await memory.delete(missing, ctx);
    memory.write(changed, Buffer.from("edited by hand"));
    await project.remove(Number(deleted.slice("out/".length)));
    await project.waitForRest(target);
    memory.write(deleted, Buffer.from("a late put"));
    memory.write("out/notes.txt", Buffer.from("mine"));
    memory.write("out/folder/", Buffer.from(""));
    const before = await keysOf(bucket);
    const run = await compare(target);
    expect(run).toMatchObject({ state: "completed", listed: 6 });
    expect(await found(run.id)).toEqual([
      ["changed", changed],
      ["foreign", "out/notes.txt"],
      ["missing", missing],
      ["stale", deleted],
    ]);
    expect(await keysOf(bucket)).toEqual(before);
    const [left] = await world.query<{ marks: number }>(
      `SELECT count(*)::int AS marks FROM reconcile_mark WHERE run_id = ${String(run.id)}`,
    );
    expect(left?.marks).toBe(0);
  });

  it("repairs what it finds when it is asked to, and leaves what is not ours", async () => {
    await startExports({ comparePage: 2 });
    const [target, keys] = await aFullTarget(4);
    const memory = world.buckets.bucket(bucket);
    const [missing = "", changed = "", deleted = ""] = keys;
    await memory.delete(missing, ctx);
    memory.write(changed, Buffer.from("edited by hand"));
    await project.remove(Number(deleted.slice("out/".length)));
    await project.waitForRest(target);
    memory.write(deleted, Buffer.from("a late put"));
    memory.write("out/notes.txt", Buffer.from("mine"));
    const run = await compare(target, true);
    expect(run).toMatchObject({ state: "completed", created: 3, failed: 0 });
    await project.waitForRest(target);
    const wanted = keys.filter((key) => key !== deleted);
    expect(await keysOf(bucket)).toEqual([...wanted, "out/notes.txt"].sort());
    const again = await compare(target);
    expect(await found(again.id)).toEqual([["foreign", "out/notes.txt"]]);
  });

  it("tells by the size where a store has no etags", async () => {
    await startExports();
    const [target, keys] = await aFullTarget(2);
    const [changed = ""] = keys;
    world.buckets.bucket(bucket).write(changed, Buffer.from("shorter"));
    await world.query(`UPDATE delivery SET etag = NULL WHERE target_id = ${String(target)}`);
    expect(await found((await compare(target)).id)).toEqual([["changed", changed]]);
  });

  it("takes nothing for missing, changed or foreign that is written while it lists", async () => {
    await startExports({ comparePage: 1 });
    const [target] = await aFullTarget(4);
    let saves = 0;
    world.buckets.plan(bucket, {
      before: async ({ method }) => {
        if (method !== "listPage" || saves >= 6) return;
        saves++;
        const [made] = await project.saveMany(1);
        await project.save({ annotationId: made?.id ?? 0 }, { note: String(saves) });
      },
    });
    const run = await compare(target, true);
    expect(run.state).toBe("completed");
    expect(saves).toBeGreaterThan(3);
    expect(await found(run.id)).toEqual([]);
  });

  it("takes nothing of another target at the same place for foreign", async () => {
    await startExports();
    const [target] = await aFullTarget(1);
    const other = await ExportProject.create(world);
    const second = await project.addTarget({ bucket, prefix: "out", jsonExtension: true });
    await world.waitForEnd(await project.sync(second), { tenant: project.tenant });
    expect(await keysOf(bucket)).toHaveLength(2);
    expect(await found((await compare(target)).id)).toEqual([]);
    // Another organisation's objects are foreign.
    const theirs = await other.addTarget({ bucket, prefix: "out/theirs" });
    await other.saveMany(1);
    await other.waitForRest(theirs);
    expect((await found((await compare(target)).id)).map(([kind]) => kind)).toEqual(["foreign"]);
  });

  it("goes on at its page when its worker is killed", async () => {
    const [first] = await Promise.all([startExports({ comparePage: 1, yieldMs: 0 })]);
    const [target, keys] = await aFullTarget(5);
    await world.buckets.bucket(bucket).delete(keys[4] ?? "", ctx);
    const reached = Promise.withResolvers<undefined>();
    let lists = 0;
    world.buckets.plan(bucket, {
      before: async ({ method, ctx: { signal } }) => {
        if (method !== "listPage") return;
        lists++;
        if (lists !== 3) return;
        reached.resolve(undefined);
        await world.pause(60_000, signal);
      },
    });
    const runId = await project.sync(target, "reconcile");
    await reached.promise;
    await first.stop();
    await startExports({ comparePage: 1 });
    const run = await world.waitForEnd(runId, { tenant: project.tenant });
    expect(run).toMatchObject({ state: "completed", listed: 4 });
    expect(await found(runId)).toEqual([["missing", keys[4]]]);
    expect(lists).toBe(5);
  });

  it("fails with a sentence where listing is refused, and stops when somebody cancels it", async () => {
    await startExports({ comparePage: 1 });
    const [target] = await aFullTarget(3);
    world.buckets.plan(bucket, {
      before: ({ method }) => {
        if (method === "listPage") throw world.fault({ code: "permission_denied" });
      },
    });
    const refused = await compare(target);
    expect(refused).toMatchObject({ state: "failed", errorCode: "permission_denied" });
    expect(refused.errorMessage).toContain("cannot be listed, so nothing was compared to the end");
    const listing = Promise.withResolvers<undefined>();
    const gate = Promise.withResolvers<undefined>();
    world.buckets.plan(bucket, {
      before: async ({ method }) => {
        if (method !== "listPage") return;
        listing.resolve(undefined);
        await gate.promise;
      },
    });
    const runId = await project.sync(target, "reconcile");
    await listing.promise;
    await cancelRun(world.database, { organizationId: project.tenant.organizationId, runId });
    gate.resolve(undefined);
    await waitFor(async () => (await world.find(runId, project.tenant))?.state === "canceled", {
      timeoutMs: 20_000,
      what: "the comparison to be canceled",
    });
  });
});
