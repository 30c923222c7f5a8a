import { describe, expect, it } from "vitest";
import { requestRun } from "../runs/request.ts";
import { finishLocked, lockStorage, promoteWaiting } from "../runs/transitions.ts";
import { runStatement } from "../statements.ts";
import { makeGuard, makeScene, type Scene } from "../testing/guard.ts";
import { holdTransaction, untilBlocked } from "../testing/held-transaction.ts";
import { useTestDatabase } from "../testing/test-database.ts";
import { aPage, makeWorld, TestWorker } from "../testing/world.ts";
import type { ClaimedObjectRecord, RunKey } from "./records.ts";

const test = useTestDatabase("finish_guards");
const guard = makeGuard(test);
const countRuns = async (scene: Scene, state: string) =>
  (
    await test.look("SELECT FROM run WHERE storage_id = $1 AND state = $2", [
      scene.storageId,
      state,
    ])
  ).length;

describe("the end of a run", () => {
  /** Two workers save their last batches at the same moment. */
  async function twoLastLoaders(scene: Scene, finishInside: boolean): Promise<number> {
    const { worker, statements, organizationId } = scene;
    const { run, lease } = await worker.list();
    await worker.page(lease, aPage(["1", "2"]));
    const objects = await worker.claim(run);
    const saving = objects.map((object, index) =>
      holdTransaction(test.db, organizationId, async (tx) => {
        await runStatement(tx, statements["load-batch"], lastBatch(run, object, index));
        if (!finishInside) return undefined;
        const locked = await runStatement(tx, statements["run-lock"], [run.runId]);
        return locked.length === 0 ? undefined : finishLocked(tx, statements, run.runId);
      }),
    );
    const held = await Promise.all(saving);
    for (const transaction of held) await transaction.commit();
    if (finishInside) return held.filter(({ value }) => value !== undefined).length;
    const ends = await Promise.all([
      worker.stores.runs.finish(run),
      worker.stores.runs.finish(run),
    ]);
    return ends.filter((end) => end !== undefined).length;
  }

  const lastBatch = (run: RunKey, object: ClaimedObjectRecord, index: number) => [
    ...[run.runId, object.id, object.epoch, [0], ["{}"], [null], [true], [0], [0], [0]],
    ...[index + 1, 1, null, true, "e", 30, index, false, [], [], [], []],
  ];

  it("is seen by exactly one of two workers that finish together, after their commits", async () => {
    const scene = await makeScene(test);
    expect(await twoLastLoaders(scene, false)).toBe(1);
  });

  it("would be seen by neither inside the transactions of their last batches", async () => {
    const scene = await makeScene(test);
    expect(await twoLastLoaders(scene, true)).toBe(0);
  });

  guard(
    "does not come over pending objects",
    [
      {
        statement: "run-lock",
        from: /OR NOT EXISTS \(SELECT FROM source_object[^\n]*/,
        to: "OR true))",
      },
      {
        statement: "run-finish",
        from: /OR NOT EXISTS \(SELECT FROM source_object o WHERE[^\n]*'pending'\)\)\)/,
        to: "OR true))",
      },
    ],
    async ({ worker }) => {
      const { run, lease } = await worker.list();
      await worker.page(lease, aPage(["k"]));
      return (await worker.stores.runs.finish(run)) === undefined;
    },
  );

  guard(
    "comes once",
    [
      {
        statement: "run-finish",
        from: "AND r.state IN ('queued', 'running') AND s.direction = 'source' FOR NO KEY UPDATE OF r",
        to: "",
      },
    ],
    async ({ worker, statements, organizationId }) => {
      const { run, lease } = await worker.list();
      await worker.page(lease, aPage([]));
      await worker.stores.runs.finish(run);
      const again = await test.db.inOrganization(organizationId, (tx) =>
        finishLocked(tx, statements, run.runId),
      );
      return again === undefined;
    },
  );

  guard(
    "does not lose a sync that was asked for while the run worked",
    [
      {
        statement: "run-ask",
        from: "AND r.state = 'queued'",
        to: "AND r.state IN ('queued', 'running')",
      },
    ],
    async ({ worker }) => {
      const { run, lease } = await worker.list();
      await worker.ask();
      await worker.page(lease, aPage([]));
      const end = await worker.stores.runs.finish(run);
      return typeof end?.nextRunId === "number";
    },
  );

  guard(
    "does not lose a sync that is asked for at that moment",
    [
      { statement: "run-lock", from: "FOR NO KEY UPDATE OF s", to: "" },
      { statement: "storage-lock", from: "FOR NO KEY UPDATE", to: "" },
    ],
    async (scene) => {
      const { worker, statements, organizationId, storageId } = scene;
      const { run, lease } = await worker.list();
      await worker.page(lease, aPage([]));
      const asking = await holdTransaction(test.db, organizationId, async (tx) => {
        await lockStorage(tx, statements, storageId);
        await runStatement(tx, statements["run-ask"], [storageId, "api", "sync", null, "{}"]);
        await promoteWaiting(tx, statements, storageId);
      });
      const finishing = worker.stores.runs.finish(run);
      await untilBlocked(test, finishing);
      await asking.commit();
      await finishing;
      return (await countRuns(scene, "queued")) === 1;
    },
  );

  guard(
    "starts one of two waiting runs, once",
    [{ statement: "run-promote", from: /AND NOT EXISTS \(SELECT FROM run a[^\n]*/, to: "" }],
    async (scene) => {
      const { worker, statements, organizationId, storageId } = scene;
      const { run, lease } = await worker.list();
      await worker.ask("sync");
      await worker.ask("retry");
      await worker.page(lease, aPage([]));
      await Promise.all([worker.stores.runs.finish(run), worker.stores.runs.finish(run)]);
      await test.db.inOrganization(organizationId, (tx) =>
        promoteWaiting(tx, statements, storageId),
      );
      const runs = await test.look(
        "SELECT kind, state FROM run WHERE storage_id = $1 ORDER BY id",
        [storageId],
      );
      const shown = runs.map(({ kind, state }) => `${String(kind)} ${String(state)}`).join();
      return shown === "sync completed,sync queued,retry waiting";
    },
  );

  guard(
    "takes a canceled run's units as over when they are done, whatever their lease says",
    [
      {
        statement: "run-finish",
        from: "AND g.state = 'open' AND g.lease_until",
        to: "AND g.lease_until",
      },
    ],
    async ({ worker }) => {
      const { run, lease } = await worker.list();
      await worker.page(lease, aPage(["a"]));
      await test.look("UPDATE run SET cancel_requested = true WHERE id = $1", [run.runId]);
      return (await worker.stores.runs.finish(run))?.state === "canceled";
    },
  );
});

describe("one active run", () => {
  it("is kept by the index when the statements fail to", async () => {
    const world = await makeWorld(test.db);
    const worker = new TestWorker(test.db, world);
    await worker.ask();
    const second = test.look(
      `INSERT INTO run (organization_id, storage_id, number, settings_version, state) VALUES ($1, $2, 2, 1, 'running')`,
      [world.organizationId, world.storageId],
    );
    await expect(second).rejects.toMatchObject({ constraint: "run_one_active" });
  });

  it("is asked for by number of callers without a deadlock", async () => {
    const world = await makeWorld(test.db);
    const { organizationId, storageId } = world;
    const kinds = ["sync", "retry", "dry_run"] as const;
    const asked = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        requestRun(test.db, {
          organizationId,
          storageId,
          kind: kinds[index % 3] ?? "sync",
          trigger: "api",
          actorId: null,
        }),
      ),
    );
    expect(new Set(asked.map((run) => run?.runId)).size).toBeLessThanOrEqual(4);
  });
});
