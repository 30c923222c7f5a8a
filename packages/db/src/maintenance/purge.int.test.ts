import { describe, expect, it } from "vitest";
import { InnerIds } from "../import/inner-ids.ts";
import { createTasks } from "../tasks/create-tasks.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import { aBatch, aPage, aRow, makeWorld, TestWorker, type World } from "../testing/world.ts";
import { purgeDeleted } from "./purge.ts";

const test = useTestDatabase("purge");
const AT_ONCE = { chunkRows: 2, maxChunks: 1_000, minAgeSeconds: 0 };

/** Five objects with a task each, one of them with an issue, and a task that came by the API. */
async function filled(): Promise<World> {
  const world = await makeWorld(test.db);
  const worker = new TestWorker(test.db, world);
  const { run, lease } = await worker.list();
  const refused = [{ key: "long", code: "key_too_long", message: "m" }];
  await worker.page(lease, aPage(["a", "b", "c", "d", "e"], { refused }));
  const imported = {
    resultJson: "[]",
    wasCancelled: false,
    groundTruth: false,
    leadTime: null,
    importId: null,
    completedBy: null,
  };
  for (const object of await worker.claim(run)) {
    const rows = [
      aRow(0, {
        annotations: [imported],
        predictions: [{ resultJson: "[]", score: 1, modelVersion: null }],
      }),
    ];
    await worker.stores.loads.saveBatch(run, aBatch(object, [], { rows, rowsRead: 1 }));
  }
  await worker.stores.runs.finish(run);
  const deps = { database: test.db, innerIds: new InnerIds(test.db) };
  const { organizationId, projectId } = world;
  await createTasks(deps, { organizationId, projectId, documents: [aRow(0)], updatedById: null });
  await test.look(
    `INSERT INTO draft (organization_id, project_id, task_id, annotation_id, user_id)
     SELECT a.organization_id, a.project_id, a.task_id, a.id, $2 FROM annotation a WHERE a.project_id = $1`,
    [projectId, world.userId],
  );
  return world;
}

const counts = async (world: World) =>
  test.one<Record<string, number>>(
    `SELECT (SELECT count(*) FROM source_object WHERE storage_id = $1) AS objects, (SELECT count(*) FROM issue WHERE storage_id = $1) AS issues,
            (SELECT count(*) FROM run WHERE storage_id = $1) AS runs, (SELECT count(*) FROM storage WHERE id = $1) AS storages,
            (SELECT count(*) FROM task WHERE project_id = $2) AS tasks, (SELECT count(*) FROM annotation WHERE project_id = $2) AS annotations,
            (SELECT count(*) FROM task WHERE project_id = $2 AND source_object_id IS NOT NULL) AS bound,
            (SELECT count(*) FROM project WHERE id = $2) AS projects, (SELECT count(*) FROM draft WHERE project_id = $2) AS drafts`,
    [world.storageId, world.projectId],
  );

describe("purgeDeleted", () => {
  it("removes a deleted storage in chunks and leaves its tasks and annotations", async () => {
    const [world, other] = [await filled(), await filled()];
    await test.look("UPDATE storage SET deleted_at = now() - interval '1 s' WHERE id = $1", [
      world.storageId,
    ]);
    const first = await purgeDeleted(test.db, { ...AT_ONCE, maxChunks: 1 });
    expect(first).toEqual({ rows: 3, storages: 0, projects: 0, isMore: true });
    expect(await purgeDeleted(test.db, AT_ONCE)).toEqual({
      rows: 3,
      storages: 1,
      projects: 0,
      isMore: false,
    });
    expect(await counts(world)).toEqual({
      objects: 0,
      issues: 0,
      runs: 0,
      storages: 0,
      tasks: 6,
      annotations: 5,
      bound: 0,
      projects: 1,
      drafts: 5,
    });
    expect(await counts(other)).toMatchObject({ objects: 5, issues: 1, runs: 1, bound: 5 });
  });

  it("removes a deleted project with everything in it", async () => {
    const [world, other] = [await filled(), await filled()];
    await test.look("UPDATE storage SET deleted_at = now() - interval '1 s' WHERE id = $1", [
      world.storageId,
    ]);
    await test.look("UPDATE project SET deleted_at = now() - interval '1 s' WHERE id = $1", [
      world.projectId,
    ]);
    expect(await purgeDeleted(test.db, AT_ONCE)).toEqual({
      rows: 12,
      storages: 1,
      projects: 1,
      isMore: false,
    });
    expect(Object.values(await counts(world)).every((count) => count === 0)).toBe(true);
    expect(await counts(other)).toMatchObject({ tasks: 6, annotations: 5 });
  });

  it("waits until what was under way at the deletion must be over", async () => {
    const world = await filled();
    await test.look("UPDATE storage SET deleted_at = now() - interval '30 s' WHERE id = $1", [
      world.storageId,
    ]);
    const { chunkRows, maxChunks } = AT_ONCE;
    expect(await purgeDeleted(test.db, { chunkRows, maxChunks })).toMatchObject({
      rows: 0,
      storages: 0,
    });
    await test.look("UPDATE storage SET deleted_at = now() - interval '3 min' WHERE id = $1", [
      world.storageId,
    ]);
    expect(await purgeDeleted(test.db, { chunkRows, maxChunks })).toMatchObject({ storages: 1 });
  });

  it("is done once by two callers", async () => {
    const world = await filled();
    await test.look("UPDATE storage SET deleted_at = now() - interval '1 s' WHERE id = $1", [
      world.storageId,
    ]);
    const results = await Promise.all([
      purgeDeleted(test.db, AT_ONCE),
      purgeDeleted(test.db, AT_ONCE),
    ]);
    expect(results.reduce((sum, { storages }) => sum + storages, 0)).toBeLessThanOrEqual(1);
    await purgeDeleted(test.db, AT_ONCE);
    expect(defined(await counts(world))).toMatchObject({ objects: 0, storages: 0 });
  });
});
