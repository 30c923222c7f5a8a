import { describe, expect, it } from "vitest";
import { loadStatements, runStatement } from "../statements.ts";
import { holdTransaction, untilBlocked } from "../testing/held-transaction.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import { aPage, makeWorld, TestWorker, type World } from "../testing/world.ts";

const test = useTestDatabase("scan_store");

async function filesWorker(maximumAnnotations = 1): Promise<TestWorker> {
  const world = await makeWorld(test.db, { useBlobUrls: true, maximumAnnotations });
  return new TestWorker(test.db, world);
}

async function tasksWorker(): Promise<TestWorker> {
  return new TestWorker(test.db, await makeWorld(test.db));
}

const tasksOf = (world: World) =>
  test.look<{ key: string; data: unknown; inner_id: number; overlap: number }>(
    `SELECT o.key, t.data, t.inner_id, t.overlap FROM task t JOIN source_object o ON o.id = t.source_object_id
     WHERE o.storage_id = $1 ORDER BY t.inner_id`,
    [world.storageId],
  );

const unitOf = (runId: number) =>
  test.one<
    Record<"seen" | "created" | "known" | "tasks" | "existed" | "failed" | "skipped", number>
  >(
    "SELECT seen, created, known, tasks, existed, failed, skipped FROM scan_unit WHERE run_id = $1",
    [runId],
  );

describe("files page", () => {
  it("makes one task per key, in key order, with the reference that it was given", async () => {
    const worker = await filesWorker(3);
    const { run, lease } = await worker.list();
    const page = aPage(["a b.jpg", "b.jpg", "c/ü.jpg"], {
      skipped: 4,
      cursor: "next",
      endOfUnit: false,
    });
    const references = [
      "/data/local-files/?d=a%20b.jpg",
      "s3://bucket/b.jpg",
      "s3://bucket/c/ü.jpg",
    ];
    expect(await worker.stores.scans.insertFilesPage(lease, page, { references })).toEqual({
      created: 3,
      known: 0,
      rearmed: 0,
      cancel: false,
    });
    const tasks = await tasksOf(worker.world);
    expect(tasks.map(({ data }) => data)).toEqual(
      references.map((reference) => ({ $undefined$: reference })),
    );
    expect(tasks.map(({ inner_id }) => inner_id)).toEqual([1, 2, 3]);
    expect(tasks.every(({ overlap }) => overlap === 3)).toBe(true);
    const unit = await test.one(
      "SELECT cursor, last_key, state, skipped FROM scan_unit WHERE run_id = $1",
      [run.runId],
    );
    expect(unit).toEqual({ cursor: "next", last_key: "c/ü.jpg", state: "open", skipped: 4 });
  });

  it("inserts nothing twice when a page is repeated", async () => {
    const worker = await filesWorker();
    const { run, lease } = await worker.list();
    const page = aPage(["a", "b"], { endOfUnit: false });
    await worker.page(lease, page);
    expect(await worker.page(lease, page)).toMatchObject({ created: 0, known: 2 });
    expect(await tasksOf(worker.world)).toHaveLength(2);
    expect(await unitOf(run.runId)).toMatchObject({
      seen: 4,
      created: 2,
      known: 2,
      tasks: 2,
      existed: 0,
    });
  });

  it("finds sparse news among known keys, whatever the size of the block of inner ids", async () => {
    const worker = await filesWorker();
    const keys = Array.from({ length: 250 }, (_, index) => String(index).padStart(4, "0"));
    const first = await worker.list();
    await worker.page(first.lease, aPage(keys.filter((_, index) => index % 7 !== 0)));
    await worker.stores.runs.finish(first.run);
    const second = await worker.list();
    expect(await worker.page(second.lease, aPage(keys))).toMatchObject({ created: 36, known: 214 });
    const tasks = await tasksOf(worker.world);
    expect(tasks.map(({ key }) => key).toSorted()).toEqual(keys);
    expect(new Set(tasks.map(({ inner_id }) => inner_id)).size).toBe(250);
    expect(await unitOf(second.run.runId)).toMatchObject({ tasks: 36, existed: 214 });
  });

  it("takes no inner ids for a page that brings nothing, whatever the order of the listing", async () => {
    const first = await filesWorker();
    const sync = await first.list();
    await first.page(sync.lease, aPage(["a", "b"]));
    await first.stores.runs.finish(sync.run);
    const fresh = new TestWorker(test.db, first.world);
    const again = await fresh.list();
    await fresh.page(again.lease, aPage(["a", "b"], { ordered: false, endOfUnit: false }));
    await fresh.page(again.lease, aPage([], { ordered: false }));
    const counter = await test.one(
      "SELECT next_inner_id FROM project_counter WHERE project_id = $1",
      [first.world.projectId],
    );
    expect(counter).toEqual({ next_inner_id: 101 });
  });

  it("counts the tasks of the project exactly", async () => {
    const worker = await filesWorker();
    const { lease } = await worker.list();
    await worker.page(lease, aPage(["a", "b", "c"]));
    const { total } = await test.one<{ total: number }>(
      "SELECT sum(tasks) AS total FROM project_tally WHERE project_id = $1",
      [worker.world.projectId],
    );
    expect(total).toBe(3);
  });

  it("keeps an issue for each key that cannot become an object, and counts it as seen and failed", async () => {
    const worker = await filesWorker();
    const { run, lease } = await worker.list();
    const refused = [
      { key: "x".repeat(400), code: "key_too_long", message: "too long\u0000" },
      { key: "x".repeat(400), code: "key_too_long", message: "another one that starts alike" },
    ];
    await worker.page(lease, aPage(["a"], { refused }));
    const issues = await test.look("SELECT code, row_index FROM issue WHERE run_id = $1", [
      run.runId,
    ]);
    expect(issues).toEqual([{ code: "key_too_long", row_index: -1 }]);
    expect(await unitOf(run.runId)).toMatchObject({ seen: 3, created: 1, failed: 2 });
    expect(await worker.stores.runs.finish(run)).toMatchObject({ state: "completed_with_errors" });
  });
});

describe("tasks page", () => {
  it("makes pending objects of unknown keys and no tasks", async () => {
    const worker = await tasksWorker();
    const { run, lease } = await worker.list();
    expect(await worker.page(lease, aPage(["a.json", "b.json"]))).toMatchObject({
      created: 2,
      known: 0,
    });
    const objects = await test.look(
      "SELECT key, state, size, etag, live_tasks FROM source_object WHERE storage_id = $1 ORDER BY key",
      [worker.world.storageId],
    );
    expect(objects).toEqual([
      { key: "a.json", state: "pending", size: 10, etag: "e1", live_tasks: 0 },
      { key: "b.json", state: "pending", size: 10, etag: "e1", live_tasks: 0 },
    ]);
    expect(await worker.stores.runs.progress(run)).toMatchObject({
      phase: "loading",
      pending: 2,
      listed: 2,
    });
  });

  it("fails an object by the listing alone, and counts it in the next run while it is unchanged", async () => {
    const worker = await tasksWorker();
    const failures = [{ code: "not_task_file", message: "no task file" }, null];
    const first = await worker.list();
    await worker.page(first.lease, aPage(["a.jpg", "b.json"], { failures }));
    expect(await worker.loadAll(first.run)).toBe(1);
    expect(await worker.stores.runs.finish(first.run)).toMatchObject({
      state: "completed_with_errors",
    });
    const second = await worker.list();
    expect(await worker.page(second.lease, aPage(["a.jpg", "b.json"], { failures }))).toMatchObject(
      { known: 2, rearmed: 0 },
    );
    expect(await worker.stores.runs.finish(second.run)).toMatchObject({
      state: "completed_with_errors",
    });
    const issues = await test.look("SELECT run_id, key FROM issue WHERE storage_id = $1", [
      worker.world.storageId,
    ]);
    expect(issues).toEqual([{ run_id: second.run.runId, key: "a.jpg" }]);
  });

  it("fails a changed object by the listing again and again without an etag", async () => {
    const worker = await tasksWorker();
    const failures = [{ code: "too_large", message: "too large" }];
    for (const expected of [
      { created: 1, rearmed: 0 },
      { created: 0, rearmed: 1 },
    ]) {
      const { run, lease } = await worker.list();
      const page = aPage(["a.json"], { failures, etag: null });
      expect(await worker.page(lease, page)).toMatchObject(expected);
      expect(await worker.stores.runs.finish(run)).toMatchObject({ state: "failed" });
    }
  });

  it("says that somebody asked the run to stop", async () => {
    const worker = await tasksWorker();
    const { run, lease } = await worker.list();
    await test.look("UPDATE run SET cancel_requested = true WHERE id = $1", [run.runId]);
    expect(await worker.page(lease, aPage(["a"], { endOfUnit: false }))).toMatchObject({
      cancel: true,
    });
    expect(await worker.stores.scans.renewUnit(lease)).toEqual({ cancel: true });
  });
});

describe.each([true, false])(
  "a page whose key somebody else makes at the same moment (files %s)",
  (useBlobUrls) => {
    it("waits for that and finds it known", async () => {
      const worker = new TestWorker(test.db, await makeWorld(test.db, { useBlobUrls }));
      const { organizationId, storageId } = worker.world;
      const { lease } = await worker.list();
      const other = await holdTransaction(
        test.db,
        organizationId,
        (
          tx,
        ) => tx.$executeRaw`INSERT INTO source_object (organization_id, storage_id, location_version, key, state, rows_loaded, live_tasks)
        VALUES (${organizationId}, ${storageId}, 1, 'b', 'done', 1, 1)`,
      );
      const paging = worker.page(lease, aPage(["a", "b", "c"]));
      await untilBlocked(test, paging);
      await other.commit();
      expect(await paging).toMatchObject({ created: 2, known: 1 });
    });
  },
);

describe("known page", () => {
  const keys = ["B", "a", "a/", "a/ä", "ab", "é", "\u{ffff}", "\u{1f600}"].toSorted((x, y) =>
    Buffer.compare(Buffer.from(x), Buffer.from(y)),
  );

  async function known(): Promise<{
    worker: TestWorker;
    isKnown: (page: string[]) => Promise<boolean>;
  }> {
    const worker = await tasksWorker();
    const first = await worker.list();
    await worker.page(first.lease, aPage(keys));
    await worker.loadAll(first.run);
    await worker.stores.runs.finish(first.run);
    const { run, lease } = await worker.list();
    return {
      worker,
      isKnown: async (page) => {
        const values = [run.runId, 0, lease.epoch, page, "x", false, 0, 60, false, null];
        const rows = await test.db.inOrganization(worker.world.organizationId, (tx) =>
          runStatement<{ same: boolean }>(tx, loadStatements()["page-known"], values),
        );
        return defined(rows[0]).same;
      },
    };
  }

  it("takes exactly the same keys, in the order of their UTF-8 bytes", async () => {
    const { isKnown } = await known();
    expect(await isKnown(keys)).toBe(true);
    expect(await isKnown(keys.slice(2, 5))).toBe(true);
    expect(await isKnown([])).toBe(true);
  });

  it("refuses a page with an unknown key, a missing key or another order", async () => {
    const { isKnown } = await known();
    expect(await isKnown([...keys.slice(0, 3), "a/zz", ...keys.slice(4)])).toBe(false);
    expect(await isKnown([...keys.slice(0, 3), ...keys.slice(4)])).toBe(false);
    expect(await isKnown([...keys, "\u{1f601}"])).toBe(false);
    expect(await isKnown(keys.toReversed())).toBe(false);
  });

  it.each([
    ["a failed object", "state = 'failed'"],
    ["one whose tasks were all deleted", "live_tasks = 0"],
  ])("does not skip %s", async (_name, change) => {
    const { worker, isKnown } = await known();
    await test.look(`UPDATE source_object SET ${change} WHERE storage_id = $1 AND key = 'ab'`, [
      worker.world.storageId,
    ]);
    expect(await isKnown(keys)).toBe(false);
    expect(await isKnown(keys.slice(0, 2))).toBe(true);
  });
});

describe("unit", () => {
  it("is taken once, given back, and taken again at its checkpoint", async () => {
    const worker = await tasksWorker();
    const { run, lease } = await worker.list();
    expect(lease).toMatchObject({
      number: 0,
      cursor: null,
      lastKey: null,
      runKind: "sync",
      kind: "range",
    });
    expect(await worker.stores.scans.takeUnit(run, "other")).toBeUndefined();
    await worker.page(lease, aPage(["a"], { cursor: "c1", endOfUnit: false }));
    await worker.stores.scans.releaseUnit(lease);
    const again = defined(await worker.stores.scans.takeUnit(run, "other"));
    expect(again).toMatchObject({ cursor: "c1", lastKey: "a" });
    expect(again.epoch).toBeGreaterThan(lease.epoch);
    expect(await worker.page(lease, aPage(["b"]))).toBeUndefined();
  });

  it("is read with a storage whose secrets cannot be opened", async () => {
    const worker = await tasksWorker();
    await test.look("UPDATE storage SET secrets = '\\x0102' WHERE id = $1", [
      worker.world.storageId,
    ]);
    const { lease } = await worker.list();
    expect(lease.source.secrets).toBeUndefined();
  });

  it("keeps the last key over a page that had none", async () => {
    const worker = await tasksWorker();
    const { run, lease } = await worker.list();
    await worker.page(lease, aPage(["a"], { endOfUnit: false }));
    await worker.page(lease, aPage([], { endOfUnit: false, cursor: "c2", lastKey: null }));
    const unit = await test.one("SELECT last_key, cursor FROM scan_unit WHERE run_id = $1", [
      run.runId,
    ]);
    expect(unit).toEqual({ last_key: "a", cursor: "c2" });
  });

  it("counts nothing twice when its listing starts afresh", async () => {
    const worker = await filesWorker();
    const before = await worker.list();
    await worker.page(before.lease, aPage(["a", "b"]));
    await worker.stores.runs.finish(before.run);
    const { run, lease } = await worker.list();
    await worker.page(lease, aPage(["a", "b", "c"], { endOfUnit: false, skipped: 5 }));
    await worker.stores.scans.restartUnit(lease);
    const again = await worker.stores.scans.renewUnit(lease);
    expect(again).toEqual({ cancel: false });
    await worker.page(lease, aPage(["a", "b", "c"], { endOfUnit: false, skipped: 5 }));
    await worker.page(lease, aPage(["d"]));
    expect(await unitOf(run.runId)).toEqual({
      seen: 4,
      created: 2,
      known: 2,
      tasks: 2,
      existed: 2,
      failed: 0,
      skipped: 5,
    });
  });
});

describe("dry run", () => {
  it("counts every reason, keeps the first keys of each and touches nothing", async () => {
    const worker = await tasksWorker();
    const sync = await worker.list();
    await worker.page(sync.lease, aPage(["known.json"]));
    await worker.loadAll(sync.run);
    await worker.stores.runs.finish(sync.run);

    const { run, lease } = await worker.list("dry_run");
    const keys = ["a.jpg", "known.json", "new.json"];
    const page = aPage(keys, {
      failures: [{ code: "not_task_file", message: "m" }, null, null],
      refused: [{ key: "long", code: "key_too_long", message: "m" }],
      skipped: 2,
    });
    const dryRun = { page, filteredKeys: ["f1", "f2"] };
    expect(await worker.stores.scans.recordDryRunPage(lease, dryRun)).toEqual({
      created: 1,
      known: 1,
      rearmed: 0,
      cancel: false,
    });
    const findings = await test.look(
      "SELECT reason, key, count FROM dry_run_finding WHERE run_id = $1 ORDER BY reason, key",
      [run.runId],
    );
    expect(findings).toEqual([
      { reason: "filtered", key: "", count: 2 },
      { reason: "filtered", key: "f1", count: 1 },
      { reason: "filtered", key: "f2", count: 1 },
      { reason: "key_too_long", key: "", count: 1 },
      { reason: "key_too_long", key: "long", count: 1 },
      { reason: "known", key: "", count: 1 },
      { reason: "known", key: "known.json", count: 1 },
      { reason: "new", key: "", count: 1 },
      { reason: "new", key: "new.json", count: 1 },
      { reason: "not_task_file", key: "", count: 1 },
      { reason: "not_task_file", key: "a.jpg", count: 1 },
    ]);
    expect(await worker.stores.runs.finish(run)).toMatchObject({ state: "completed" });
    const total = await test.one(
      "SELECT seen, created, known, skipped, tasks, failed FROM run WHERE id = $1",
      [run.runId],
    );
    expect(total).toEqual({ seen: 4, created: 1, known: 1, skipped: 2, tasks: 0, failed: 2 });
    const counts = await test.one(
      "SELECT (SELECT count(*) FROM source_object WHERE storage_id = $1) AS objects, (SELECT count(*) FROM issue WHERE storage_id = $1) AS issues",
      [worker.world.storageId],
    );
    expect(counts).toEqual({ objects: 1, issues: 0 });
  });

  it("keeps the first thousand keys of a reason and counts all", async () => {
    const worker = await tasksWorker();
    const { run, lease } = await worker.list("dry_run");
    for (let page = 0; page < 3; page++) {
      const keys = Array.from({ length: 450 }, (_, index) =>
        String(page * 450 + index).padStart(6, "0"),
      );
      await worker.stores.scans.recordDryRunPage(lease, {
        page: aPage(keys, { endOfUnit: page === 2 }),
        filteredKeys: [],
      });
    }
    const found = await test.one(
      `SELECT max(count) FILTER (WHERE key = '') AS total, count(*) FILTER (WHERE key <> '') AS kept, max(key) AS last
       FROM dry_run_finding WHERE run_id = $1`,
      [run.runId],
    );
    expect(found).toEqual({ total: 1350, kept: 1000, last: "000999" });
  });
});
