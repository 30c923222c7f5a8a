import { describe, expect, it } from "vitest";
import { InnerIds } from "../import/inner-ids.ts";
import { runStatement } from "../statements.ts";
import { makeGuard } from "../testing/guard.ts";
import { holdTransaction, untilBlocked } from "../testing/held-transaction.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import { aBatch, aPage, aRow, makeWorld, TestWorker, type World } from "../testing/world.ts";
import { createTasks } from "./create-tasks.ts";
import { deleteTasks } from "./delete-tasks.ts";

const test = useTestDatabase("tasks");
const guard = makeGuard(test);

const taskIds = async (world: World): Promise<number[]> => {
  const rows = await test.look<{ id: number }>(
    "SELECT id FROM task WHERE project_id = $1 ORDER BY id",
    [world.projectId],
  );
  return rows.map(({ id }) => id);
};

const tally = async (world: World): Promise<number> => {
  const { total } = await test.one<{ total: number | null }>(
    "SELECT sum(tasks) AS total FROM project_tally WHERE project_id = $1",
    [world.projectId],
  );
  return total ?? 0;
};

const annotate = (world: World, taskId: number) =>
  test.one<{ id: number }>(
    `WITH counted AS (UPDATE task SET total_annotations = total_annotations + 1, is_labeled = true WHERE id = $2)
     INSERT INTO annotation (organization_id, project_id, task_id, result)
     SELECT organization_id, project_id, id, '[]' FROM task WHERE project_id = $1 AND id = $2 RETURNING id`,
    [world.projectId, taskId],
  );

const aTarget = (world: World, canDeleteObjects: boolean) =>
  test.one<{ id: number }>(
    `INSERT INTO storage (organization_id, project_id, direction, provider, can_delete_objects) VALUES ($1, $2, 'target', 's3', $3)
     RETURNING id`,
    [world.organizationId, world.projectId, canDeleteObjects],
  );

/** A world with an object `a` of two tasks. */
async function loaded(worker: TestWorker): Promise<number[]> {
  const { run, lease } = await worker.list();
  await worker.page(lease, aPage(["a"]));
  await worker.stores.loads.saveBatch(run, aBatch(await worker.claimOne(run), [0, 1]));
  await worker.stores.runs.finish(run);
  return taskIds(worker.world);
}

describe("createTasks", () => {
  it("makes tasks in the order given, with what came inside, and counts them", async () => {
    const world = await makeWorld(test.db);
    const deps = { database: test.db, innerIds: new InnerIds(test.db) };
    const prediction = { resultJson: "[]", score: null, modelVersion: "m" };
    const documents = [
      aRow(0, { data: '{"n":1}', predictions: [prediction] }),
      aRow(0, { data: '{"n":2}' }),
    ];
    const { organizationId, projectId, userId } = world;
    const ids = await createTasks(deps, {
      organizationId,
      projectId,
      documents,
      updatedById: userId,
    });
    const rows = await test.look(
      "SELECT id, data, inner_id, total_predictions, updated_by_id FROM task WHERE project_id = $1 ORDER BY id",
      [projectId],
    );
    expect(rows).toEqual([
      { id: ids?.[0], data: { n: 1 }, inner_id: 1, total_predictions: 1, updated_by_id: userId },
      { id: ids?.[1], data: { n: 2 }, inner_id: 2, total_predictions: 0, updated_by_id: userId },
    ]);
    expect(await tally(world)).toBe(2);
  });

  it("knows no project of another organisation", async () => {
    const [one, other] = [await makeWorld(test.db), await makeWorld(test.db)];
    const deps = { database: test.db, innerIds: new InnerIds(test.db) };
    const { organizationId } = one;
    const request = {
      organizationId,
      projectId: other.projectId,
      documents: [aRow(0)],
      updatedById: null,
    };
    expect(await createTasks(deps, request)).toBeUndefined();
  });
});

describe("inner ids", () => {
  it("are never given twice, by many callers of many processes", async () => {
    const world = await makeWorld(test.db);
    const processes = Array.from({ length: 3 }, () => new InnerIds(test.db));
    const ranges = await Promise.all(
      Array.from({ length: 60 }, (_, index) => {
        const ids = defined(processes[index % 3]);
        return index % 2 === 0 ? ids.reserve(world, 7) : ids.reserveAll(world, 30);
      }),
    );
    const all = ranges.flatMap(({ base, count }) =>
      Array.from({ length: count }, (_, offset) => base + offset),
    );
    expect(new Set(all).size).toBe(all.length);
    expect(ranges.filter((_, index) => index % 2 === 1).every(({ count }) => count === 30)).toBe(
      true,
    );
  });

  it("come in blocks that grow with the project", async () => {
    const world = await makeWorld(test.db);
    const ids = new InnerIds(test.db);
    const next = async (): Promise<number> => {
      const row = await test.one<{ next_inner_id: number }>(
        "SELECT next_inner_id FROM project_counter WHERE project_id = $1",
        [world.projectId],
      );
      return row.next_inner_id;
    };
    await ids.reserve(world, 1);
    expect(await next()).toBe(101);
    await ids.reserveAll(world, 500);
    expect(await next()).toBe(1_101);
    await ids.reserveAll(world, 900);
    expect(await next()).toBe(11_101);
  });

  it("that were not used are used next", async () => {
    const world = await makeWorld(test.db);
    const ids = new InnerIds(test.db);
    const range = await ids.reserve(world, 50);
    ids.giveBack(world.projectId, range, 3);
    expect((await ids.reserve(world, 1)).base).toBe(range.base + 3);
  });
});

describe("deleteTasks", () => {
  it("takes tasks off their object, which gets them again by the next sync", async () => {
    const worker = new TestWorker(test.db, await makeWorld(test.db));
    const ids = await loaded(worker);
    const { organizationId, projectId } = worker.world;
    const request = { organizationId, projectId, taskIds: ids, withAnnotations: false };
    expect(await deleteTasks(test.db, request)).toEqual({ deleted: 2, targetIds: [] });
    expect(await tally(worker.world)).toBe(0);
    const next = await worker.list();
    expect(await worker.page(next.lease, aPage(["a"]))).toMatchObject({ rearmed: 1 });
    await worker.loadAll(next.run, [0, 1]);
    expect(await worker.stores.runs.finish(next.run)).toMatchObject({ state: "completed" });
    expect(await taskIds(worker.world)).toHaveLength(2);
  });

  it("keeps annotated tasks unless their annotations shall go too", async () => {
    const worker = new TestWorker(test.db, await makeWorld(test.db));
    const ids = await loaded(worker);
    await annotate(worker.world, defined(ids[0]));
    const { organizationId, projectId } = worker.world;
    const request = { organizationId, projectId, taskIds: ids };
    expect(await deleteTasks(test.db, { ...request, withAnnotations: false })).toMatchObject({
      deleted: 1,
    });
    expect(await deleteTasks(test.db, { ...request, withAnnotations: true })).toMatchObject({
      deleted: 1,
    });
    expect(await taskIds(worker.world)).toEqual([]);
  });

  it("wishes the objects of deleted annotations deleted where a target may do that", async () => {
    const worker = new TestWorker(test.db, await makeWorld(test.db));
    const [id] = await loaded(worker);
    const annotation = await annotate(worker.world, defined(id));
    const [may, mayNot] = [await aTarget(worker.world, true), await aTarget(worker.world, false)];
    const { organizationId, projectId } = worker.world;
    const request = { organizationId, projectId, taskIds: [defined(id)], withAnnotations: true };
    expect(await deleteTasks(test.db, request)).toEqual({ deleted: 1, targetIds: [may.id] });
    const wishes = await test.look(
      "SELECT target_id, subject_id, wanted_op, state, due_at IS NOT NULL AS due FROM delivery WHERE organization_id = $1 ORDER BY target_id",
      [organizationId],
    );
    expect(wishes).toEqual([
      {
        target_id: may.id,
        subject_id: annotation.id,
        wanted_op: "delete",
        state: "pending",
        due: true,
      },
      {
        target_id: mayNot.id,
        subject_id: annotation.id,
        wanted_op: "delete",
        state: "ended",
        due: false,
      },
    ]);
  });

  it("touches no task of another project or organisation", async () => {
    const [mine, other] = [await makeWorld(test.db), await makeWorld(test.db)];
    const ids = await loaded(new TestWorker(test.db, other));
    const { organizationId, projectId } = mine;
    const request = { organizationId, projectId, taskIds: ids, withAnnotations: true };
    expect(await deleteTasks(test.db, request)).toMatchObject({ deleted: 0 });
    const inOwn = { ...request, organizationId: other.organizationId };
    expect(await deleteTasks(test.db, inOwn)).toMatchObject({ deleted: 0 });
    expect(await taskIds(other)).toHaveLength(2);
  });

  guard(
    "does not destroy or fail over an annotation that is being saved",
    [{ statement: "tasks-lock", from: "ORDER BY id FOR UPDATE", to: "ORDER BY id" }],
    async ({ worker, statements, organizationId, projectId }) => {
      const ids = await loaded(worker);
      const saving = await holdTransaction(test.db, organizationId, async (tx) => {
        await runStatement(tx, statements["project-hold"], [projectId]);
        await tx.$executeRaw`SELECT FROM task WHERE id = ${ids[0]} FOR NO KEY UPDATE`;
        await tx.$executeRaw`INSERT INTO annotation (organization_id, project_id, task_id, result)
          SELECT organization_id, project_id, id, '[]' FROM task WHERE id = ${ids[0]}`;
      });
      const deleting = deleteTasks(
        test.db,
        { organizationId, projectId, taskIds: ids, withAnnotations: false },
        statements,
      );
      await untilBlocked(test, deleting);
      await saving.commit();
      const { deleted } = await deleting;
      return deleted === 1 && (await taskIds(worker.world)).join() === String(ids[0]);
    },
  );

  guard(
    "counts the tasks that are left when the last two go at the same moment",
    [
      {
        statement: "tasks-delete",
        from: "live_tasks = o.live_tasks - p.n",
        to: "live_tasks = (SELECT count(*) FROM task t WHERE t.source_object_id = o.id) - p.n",
      },
    ],
    async ({ worker, statements, organizationId, storageId }) => {
      const [one, two] = await loaded(worker);
      const remove = (id: number | undefined) => [[defined(id)], 0];
      const first = await holdTransaction(test.db, organizationId, async (tx) => {
        await runStatement(tx, statements["tasks-lock"], [[defined(one)], null, null]);
        await runStatement(tx, statements["tasks-delete"], remove(one));
      });
      const second = test.db.inOrganization(organizationId, async (tx) => {
        await runStatement(tx, statements["tasks-lock"], [[defined(two)], null, null]);
        await runStatement(tx, statements["tasks-delete"], remove(two));
      });
      await untilBlocked(test, second);
      await first.commit();
      await second;
      const object = await test.one("SELECT live_tasks FROM source_object WHERE storage_id = $1", [
        storageId,
      ]);
      return object["live_tasks"] === 0;
    },
  );
});
