import { describe } from "vitest";
import { makeGuard, type Scene } from "../testing/guard.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import { aBatch, aPage } from "../testing/world.ts";
import type { RunKey } from "./records.ts";

const test = useTestDatabase("lease_guards");
const guard = makeGuard(test);
const guardFiles = makeGuard(test, { useBlobUrls: true });
const GIVE_UP = {
  code: "c",
  message: "m",
  byteOffset: null,
  retryAfterSeconds: null,
  etag: null,
  content: false,
};

const unitOf = (run: RunKey) =>
  test.one<{ cursor: string; seen: number }>(
    "SELECT cursor, seen FROM scan_unit WHERE run_id = $1",
    [run.runId],
  );

const objectOf = (scene: Scene, key: string) =>
  test.one<{ state: string; live_tasks: number; attempts: number; lease_owner: string | null }>(
    "SELECT state, live_tasks, attempts, lease_owner FROM source_object WHERE storage_id = $1 AND key = $2",
    [scene.storageId, key],
  );

const expireObject = (key: string) =>
  test.look(
    "UPDATE source_object SET next_attempt_at = now() - interval '1 hour' WHERE key = $1 AND state = 'pending'",
    [key],
  );

const expireUnit = (run: RunKey) =>
  test.look("UPDATE scan_unit SET lease_until = now() - interval '1 hour' WHERE run_id = $1", [
    run.runId,
  ]);

describe("a worker that lost its lease", () => {
  const EPOCH = /g\.lease_epoch = \$3::int/;

  async function latePage(scene: Scene): Promise<boolean> {
    const { worker } = scene;
    const { run, lease: old } = await worker.list();
    await expireUnit(run);
    const taken = defined(await worker.stores.scans.takeUnit(run, "other"));
    await worker.page(taken, aPage(["a", "b"], { cursor: "b", endOfUnit: false }));
    await worker.page(taken, aPage(["c", "d"], { cursor: "d", endOfUnit: false }));
    const late = await worker.page(old, aPage(["a", "b"], { cursor: "b", endOfUnit: false }));
    const unit = await unitOf(run);
    return late === undefined && unit.cursor === "d" && unit.seen === 4;
  }

  guard(
    "writes no tasks page",
    [
      { statement: "page-tasks", from: EPOCH, to: "$3::int IS NOT NULL" },
      { statement: "page-known", from: EPOCH, to: "$3::int IS NOT NULL" },
    ],
    latePage,
  );

  guardFiles(
    "writes no files page",
    [
      { statement: "page-files", from: EPOCH, to: "$3::int IS NOT NULL" },
      { statement: "page-known", from: EPOCH, to: "$3::int IS NOT NULL" },
    ],
    latePage,
  );

  guard(
    "does not fail the run",
    [{ statement: "run-fail", from: "AND g.lease_epoch = $6::int", to: "AND $6::int IS NOT NULL" }],
    async ({ worker }) => {
      const { run, lease } = await worker.list();
      await expireUnit(run);
      await worker.stores.scans.takeUnit(run, "other");
      const failure = { code: "internal", reason: null, message: "m" };
      return (await worker.stores.runs.fail(run, failure, lease)) === undefined;
    },
  );

  guard(
    "adds no rows of an older version to an object",
    [
      {
        statement: "load-batch",
        from: "AND o.lease_epoch = $3::int",
        to: "AND $3::int IS NOT NULL",
      },
    ],
    async (scene) => {
      const { worker } = scene;
      const { run, lease } = await worker.list();
      await worker.page(lease, aPage(["a"]));
      const old = await worker.claimOne(run);
      await expireObject("a");
      const taken = await worker.claimOne(run);
      await worker.stores.loads.saveBatch(
        run,
        aBatch(taken, [0, 1], { finished: false, etag: "v2" }),
      );
      const late = await worker.stores.loads.saveBatch(
        run,
        aBatch(old, [0, 1, 2, 3], { etag: "v1" }),
      );
      return late === undefined && (await objectOf(scene, "a")).live_tasks === 2;
    },
  );

  for (const statement of ["load-fail", "object-forget"] as const) {
    guard(
      `cannot end an object (${statement})`,
      [{ statement, from: "AND o.lease_epoch = $3::int", to: "AND $3::int IS NOT NULL" }],
      async (scene) => {
        const { worker } = scene;
        const { run, lease } = await worker.list();
        await worker.page(lease, aPage(["a"]));
        const old = await worker.claimOne(run);
        await expireObject("a");
        await worker.claimOne(run);
        const { loads } = worker.stores;
        const ended =
          statement === "load-fail"
            ? await loads.fail(run, old, GIVE_UP)
            : await loads.forget(run, old);
        return !ended;
      },
    );
  }
});
