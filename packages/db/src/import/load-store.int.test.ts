import { describe, expect, it } from "vitest";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import {
  aBadRow,
  aBatch,
  aPage,
  aRow,
  makeWorld,
  TestWorker,
  type World,
} from "../testing/world.ts";

const test = useTestDatabase("load_store");

async function loadingWorker(keys: readonly string[], maximumAnnotations = 1) {
  const world = await makeWorld(test.db, { maximumAnnotations });
  const worker = new TestWorker(test.db, world);
  const { run, lease } = await worker.list();
  await worker.page(lease, aPage(keys));
  return { worker, run, world, loads: worker.stores.loads, runs: worker.stores.runs };
}

const objectOf = (world: World, key: string) =>
  test.one<{
    state: string;
    live_tasks: number;
    rows_loaded: number;
    attempts: number;
    etag: string | null;
  }>(
    "SELECT state, live_tasks, rows_loaded, attempts, etag FROM source_object WHERE storage_id = $1 AND key = $2",
    [world.storageId, key],
  );

const openIssues = (world: World) =>
  test.look<{ key: string; row_index: number; code: string; byte_offset: number | null }>(
    `SELECT key, row_index, code, byte_offset FROM issue WHERE storage_id = $1 AND resolved_at IS NULL ORDER BY key, row_index`,
    [world.storageId],
  );

const rowsOf = (world: World) =>
  test.look<{ key: string; row_index: number; data: { row: number } }>(
    `SELECT o.key, t.row_index, t.data FROM task t JOIN source_object o ON o.id = t.source_object_id
     WHERE o.storage_id = $1 ORDER BY o.key, t.row_index`,
    [world.storageId],
  );

describe("claim", () => {
  it("takes no more objects and bytes than it may, but never nothing", async () => {
    const world = await makeWorld(test.db);
    const worker = new TestWorker(test.db, world);
    const { run, lease } = await worker.list();
    await worker.page(lease, { ...aPage(["a", "b", "c"]), sizes: [50, 60, 500] });
    expect(await worker.claim(run, 9, 100)).toHaveLength(1);
    expect(await worker.claim(run, 9, 100)).toHaveLength(1);
    expect(await worker.claim(run, 9, 100)).toHaveLength(1);
    expect(await worker.claim(run, 9, 100)).toHaveLength(0);
  });

  it("gives each object to one claimer", async () => {
    const keys = Array.from({ length: 40 }, (_, index) => String(index).padStart(3, "0"));
    const { worker, run } = await loadingWorker(keys);
    const claims = await Promise.all(Array.from({ length: 8 }, () => worker.claim(run, 5)));
    const ids = claims.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(40);
    expect(ids).toHaveLength(40);
  });

  it("counts what it could claim up to a limit", async () => {
    const { worker, run, runs } = await loadingWorker(["a", "b", "c"]);
    expect(await runs.countClaimable(run, 2)).toBe(2);
    await worker.claim(run, 1);
    expect(await runs.countClaimable(run, 9)).toBe(2);
  });

  it("takes nothing for a run that is being canceled", async () => {
    const { worker, run } = await loadingWorker(["a"]);
    await test.look("UPDATE run SET cancel_requested = true WHERE id = $1", [run.runId]);
    expect(await worker.claim(run)).toEqual([]);
  });

  it("renews what is held and tells what is not", async () => {
    const { worker, run, loads } = await loadingWorker(["a", "b"]);
    const objects = await worker.claim(run);
    const [lost, held] = [defined(objects[0]), defined(objects[1])];
    await loads.release(run, [lost]);
    expect(await loads.renew(run, objects)).toEqual(new Set([held.id]));
    const again = defined((await worker.claim(run))[0]);
    expect(again).toMatchObject({ id: lost.id, attempts: 1 });
  });
});

describe("batch", () => {
  it("stores good rows, bad rows and the checkpoint, and fails an object with a bad row", async () => {
    const { worker, run, world, loads, runs } = await loadingWorker(["a.json"]);
    const object = await worker.claimOne(run);
    const first = aBatch(object, [0, 1], {
      finished: false,
      byteOffset: 100,
      badRows: [aBadRow(2)],
    });
    expect(await loads.saveBatch(run, first)).toEqual({ inserted: 2, state: "pending" });
    expect(await objectOf(world, "a.json")).toMatchObject({
      state: "pending",
      rows_loaded: 3,
      live_tasks: 2,
      attempts: 1,
    });
    const last = aBatch(object, [3], { rowsRead: 4 });
    expect(await loads.saveBatch(run, last)).toEqual({ inserted: 1, state: "failed" });
    expect(await openIssues(world)).toEqual([
      { key: "a.json", row_index: 2, code: "row_invalid", byte_offset: 20 },
    ]);
    expect(await runs.finish(run)).toMatchObject({ state: "completed_with_errors" });
    expect(
      await test.one("SELECT seen, tasks, tasks_existed, failed FROM run WHERE id = $1", [
        run.runId,
      ]),
    ).toEqual({
      seen: 1,
      tasks: 3,
      tasks_existed: 0,
      failed: 1,
    });
  });

  it("keeps the rows of a mended file and solves the issue of the row that now loads", async () => {
    const { worker, run, world, loads, runs } = await loadingWorker(["a.json"]);
    await loads.saveBatch(
      run,
      aBatch(await worker.claimOne(run), [0, 2], { badRows: [aBadRow(1)] }),
    );
    await runs.finish(run);
    const before = await rowsOf(world);
    const next = await worker.list();
    expect(await worker.page(next.lease, aPage(["a.json"], { etag: "e2" }))).toMatchObject({
      rearmed: 1,
    });
    const object = await worker.claimOne(next.run);
    expect(object).toMatchObject({ rowsLoaded: 0, etag: "e2", attempts: 1 });
    expect(await loads.saveBatch(next.run, aBatch(object, [0, 1, 2], { etag: "e2" }))).toEqual({
      inserted: 1,
      state: "done",
    });
    expect(await runs.finish(next.run)).toMatchObject({ state: "completed" });
    expect(await openIssues(world)).toEqual([]);
    const after = await rowsOf(world);
    expect(after).toHaveLength(3);
    expect(after).toEqual(expect.arrayContaining(before));
    expect(
      await test.one("SELECT tasks, tasks_existed FROM run WHERE id = $1", [next.run.runId]),
    ).toEqual({ tasks: 1, tasks_existed: 2 });
  });

  it("is done and has no task for an empty file, and is not read again by the next sync", async () => {
    const { worker, run, loads, runs } = await loadingWorker(["empty.json"]);
    await loads.saveBatch(run, aBatch(await worker.claimOne(run), []));
    expect(await runs.finish(run)).toMatchObject({ state: "completed" });
    const next = await worker.list();
    expect(await worker.page(next.lease, aPage(["empty.json"]))).toMatchObject({
      known: 1,
      rearmed: 0,
    });
    expect(await runs.finish(next.run)).toMatchObject({ state: "completed" });
  });

  it("stores allow_skip, meta and what came inside a row, and counts what it stored", async () => {
    const { worker, run, world, loads } = await loadingWorker(["a.json"], 2);
    const { id: colleague } = await test.db.inMaintenance(async (tx) => {
      const email = `colleague-${String(world.organizationId)}@example.com`;
      const user = await tx.user.create({
        data: { email, activeOrganizationId: world.organizationId },
      });
      await tx.membership.create({
        data: { organizationId: world.organizationId, userId: user.id, role: "annotator" },
      });
      return user;
    });
    const annotation = {
      resultJson: '[{"id":12345678901234567890}]',
      wasCancelled: false,
      groundTruth: true,
      leadTime: 1.5,
      importId: 9,
      completedBy: null,
    };
    const foreigner = (await makeWorld(test.db)).userId;
    const row = aRow(0, {
      meta: '{"m":1}',
      allowSkip: false,
      annotations: [
        { ...annotation, completedBy: colleague },
        {
          ...annotation,
          completedBy: `COLLEAGUE-${String(world.organizationId)}@example.com`,
          wasCancelled: true,
        },
        { ...annotation, completedBy: foreigner },
        { ...annotation, completedBy: 99_999_999_999 },
        annotation,
      ],
      predictions: [{ resultJson: "[]", score: 0.5, modelVersion: "v1" }],
    });
    await loads.saveBatch(
      run,
      aBatch(await worker.claimOne(run), [], { rows: [row, aRow(1)], rowsRead: 2 }),
    );
    const tasks = await test.look(
      `SELECT meta, allow_skip, overlap, total_annotations, cancelled_annotations, total_predictions, is_labeled FROM task
       WHERE project_id = $1 ORDER BY row_index`,
      [world.projectId],
    );
    expect(tasks).toEqual([
      {
        meta: { m: 1 },
        allow_skip: false,
        overlap: 2,
        total_annotations: 4,
        cancelled_annotations: 1,
        total_predictions: 1,
        is_labeled: true,
      },
      {
        meta: null,
        allow_skip: true,
        overlap: 2,
        total_annotations: 0,
        cancelled_annotations: 0,
        total_predictions: 0,
        is_labeled: false,
      },
    ]);
    const annotations = await test.look<{ completed_by_id: number; result: string }>(
      "SELECT completed_by_id, result::text FROM annotation WHERE project_id = $1 ORDER BY id",
      [world.projectId],
    );
    const creator = world.userId;
    expect(annotations.map((x) => x.completed_by_id)).toEqual([
      colleague,
      colleague,
      creator,
      creator,
      creator,
    ]);
    expect(annotations[0]?.result).toContain("12345678901234567890");
    expect(
      await test.look("SELECT score, model_version FROM prediction WHERE project_id = $1", [
        world.projectId,
      ]),
    ).toEqual([{ score: 0.5, model_version: "v1" }]);
    expect(
      await test.look("SELECT FROM delivery WHERE organization_id = $1", [world.organizationId]),
    ).toEqual([]);
  });

  it("replaces the tasks of a half-read older version that nobody touched", async () => {
    const { worker, run, world, loads } = await loadingWorker(["a.json"]);
    const object = await worker.claimOne(run);
    const imported = {
      resultJson: "[]",
      wasCancelled: false,
      groundTruth: false,
      leadTime: null,
      importId: null,
      completedBy: null,
    };
    const rows = [
      aRow(0),
      aRow(1),
      aRow(2, { annotations: [imported] }),
      aRow(3, { annotations: [imported] }),
    ];
    await loads.saveBatch(
      run,
      aBatch(object, [], { rows, rowsRead: 4, finished: false, etag: "v1" }),
    );
    // Somebody annotates row 1 and edits the annotation that came with row 3.
    await test.look(
      `INSERT INTO annotation (organization_id, project_id, task_id, result) SELECT organization_id, project_id, id, '[]' FROM task
       WHERE project_id = $1 AND row_index = 1`,
      [world.projectId],
    );
    await test.look(
      "UPDATE annotation SET revision = 2 WHERE task_id = (SELECT id FROM task WHERE project_id = $1 AND row_index = 3)",
      [world.projectId],
    );
    const newer = [aRow(0, { data: '{"v":2}' }), aRow(1, { data: '{"v":2}' })];
    const saved = await loads.saveBatch(
      run,
      aBatch(object, [], { rows: newer, rowsRead: 2, etag: "v2", replace: true }),
    );
    expect(saved).toEqual({ inserted: 1, state: "failed" });
    const tasks = await test.look(
      "SELECT row_index, data FROM task WHERE project_id = $1 ORDER BY row_index",
      [world.projectId],
    );
    expect(tasks).toEqual([
      { row_index: 0, data: { v: 2 } },
      { row_index: 1, data: { row: 1 } },
      { row_index: 3, data: { row: 3 } },
    ]);
    expect((await openIssues(world)).map(({ row_index, code }) => [row_index, code])).toEqual([
      [1, "touched"],
      [3, "touched"],
    ]);
    expect(await objectOf(world, "a.json")).toMatchObject({ live_tasks: 3, etag: "v2" });
  });

  it("deletes nothing for a replacing batch whose lease is lost", async () => {
    const { worker, run, world, loads } = await loadingWorker(["a.json"]);
    const object = await worker.claimOne(run);
    const imported = {
      resultJson: "[]",
      wasCancelled: false,
      groundTruth: false,
      leadTime: null,
      importId: null,
      completedBy: null,
    };
    const rows = [aRow(0, { annotations: [imported] })];
    await loads.saveBatch(run, aBatch(object, [], { rows, finished: false, etag: "v1" }));
    await loads.release(run, [object]);
    const late = aBatch(object, [0], { etag: "v2", replace: true });
    expect(await loads.saveBatch(run, late)).toBeUndefined();
    expect(
      await test.look("SELECT FROM annotation WHERE project_id = $1", [world.projectId]),
    ).toHaveLength(1);
    expect(await rowsOf(world)).toHaveLength(1);
  });

  it("refuses a document with U+0000 as a whole, so that the caller can name the row", async () => {
    const { worker, run, loads } = await loadingWorker(["a.json"]);
    const rows = [aRow(0, { data: String.raw`{"a":"\u0000"}` })];
    const saving = loads.saveBatch(run, aBatch(await worker.claimOne(run), [], { rows }));
    await expect(saving).rejects.toMatchObject({
      code: "invalid_input",
      reason: "db.invalid_text",
      op: "db.batch",
    });
  });
});

describe("failure", () => {
  it("puts an object off and gives it to the next claim when it is due", async () => {
    const { worker, run, world, loads, runs } = await loadingWorker(["a.json"]);
    const failure = {
      code: "unavailable",
      message: "down",
      byteOffset: null,
      retryAfterSeconds: 60,
      etag: null,
      content: false,
    };
    expect(await loads.fail(run, await worker.claimOne(run), failure)).toBe(true);
    expect(await worker.claim(run)).toEqual([]);
    expect(await runs.finish(run)).toBeUndefined();
    expect(await openIssues(world)).toEqual([]);
    await test.look("UPDATE source_object SET next_attempt_at = now() WHERE storage_id = $1", [
      world.storageId,
    ]);
    expect((await worker.claimOne(run)).attempts).toBe(2);
  });

  it("gives up with one issue, whose message is made storable", async () => {
    const { worker, run, world, loads, runs } = await loadingWorker(["a.json"]);
    const failure = {
      code: "json_invalid",
      message: "near \u0000 and \ud800",
      byteOffset: 7,
      retryAfterSeconds: null,
      etag: "e1",
      content: true,
    };
    expect(await loads.fail(run, await worker.claimOne(run), failure)).toBe(true);
    expect(await openIssues(world)).toEqual([
      { key: "a.json", row_index: -1, code: "json_invalid", byte_offset: 7 },
    ]);
    expect(await runs.progress(run)).toMatchObject({ pending: 0, failed: 1 });
  });

  it("forgets an object that vanished between listing and loading", async () => {
    const { worker, run, world, loads, runs } = await loadingWorker(["a.json", "b.json"]);
    const [gone, bad] = [await worker.claimOne(run), await worker.claimOne(run)];
    expect(await loads.forget(run, gone)).toBe(true);
    expect(await loads.forget(run, gone)).toBe(false);
    expect(
      await test.look("SELECT key FROM source_object WHERE storage_id = $1", [world.storageId]),
    ).toEqual([{ key: "b.json" }]);
    expect(await runs.progress(run)).toMatchObject({ pending: 1 });
    // The only object that is still there failed: so did the run.
    await loads.fail(run, bad, {
      code: "json_invalid",
      message: "m",
      byteOffset: null,
      retryAfterSeconds: null,
      etag: null,
      content: true,
    });
    expect(await runs.finish(run)).toMatchObject({ state: "failed" });
  });

  it("keeps the tasks of a vanished object that was loaded in part, without an issue", async () => {
    const { worker, run, world, loads, runs } = await loadingWorker(["a.json"]);
    await loads.saveBatch(run, aBatch(await worker.claimOne(run), [0], { badRows: [aBadRow(1)] }));
    await runs.finish(run);
    const retry = await worker.ask("retry");
    expect(await loads.forget(retry, await worker.claimOne(retry))).toBe(true);
    expect(await openIssues(world)).toEqual([]);
    expect(await objectOf(world, "a.json")).toMatchObject({ state: "done", live_tasks: 1 });
    expect(await runs.finish(retry)).toMatchObject({ state: "completed" });
  });
});
