import { describe } from "vitest";
import { makeGuard, type Scene } from "../testing/guard.ts";
import { useTestDatabase } from "../testing/test-database.ts";
import { aBadRow, aBatch, aPage, aRow, TestWorker } from "../testing/world.ts";

const test = useTestDatabase("object_guards");
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

describe("objects", () => {
  const ONCE = {
    statement: "page-tasks",
    from: "o.attempt_run_id IS DISTINCT FROM l.run_id\n         AND (",
    to: "true AND (",
  } as const;

  guard("are re-armed once per run after a failure", [ONCE], async ({ worker }) => {
    const { run, lease } = await worker.list();
    await worker.page(lease, aPage(["k"], { endOfUnit: false }));
    await worker.stores.loads.fail(run, await worker.claimOne(run), GIVE_UP);
    const again = await worker.page(lease, aPage(["k"]));
    await worker.stores.runs.finish(run);
    const next = await worker.list();
    const later = await worker.page(next.lease, aPage(["k"]));
    return again?.rearmed === 0 && later?.rearmed === 1;
  });

  guard(
    "that failed by their content are not read again before they changed, and still count",
    [
      {
        statement: "page-tasks",
        from: "(o.content_failed AND o.etag = p.etag) IS NOT TRUE",
        to: "true",
      },
    ],
    async ({ worker }) => {
      const first = await worker.list();
      await worker.page(first.lease, aPage(["k"]));
      const bad = aBatch(await worker.claimOne(first.run), [0, 2], { badRows: [aBadRow(1)] });
      await worker.stores.loads.saveBatch(first.run, bad);
      const end = await worker.stores.runs.finish(first.run);
      const second = await worker.list();
      const unchanged = await worker.page(second.lease, aPage(["k"]));
      const sameEnd = await worker.stores.runs.finish(second.run);
      const third = await worker.list();
      const changed = await worker.page(third.lease, aPage(["k"], { etag: "e2" }));
      const states = [end?.state, sameEnd?.state].join();
      return (
        unchanged?.rearmed === 0 &&
        changed?.rearmed === 1 &&
        states === "completed_with_errors,completed_with_errors"
      );
    },
  );

  guard(
    "that failed before and did not change make the run count their issues",
    [
      {
        statement: "page-tasks",
        from: "UPDATE issue i SET run_id = l.run_id, last_seen_at = now()\n",
        to: "UPDATE issue i SET last_seen_at = now()\n",
      },
    ],
    async ({ worker }) => {
      const first = await worker.list();
      await worker.page(first.lease, aPage(["k"]));
      await worker.stores.loads.fail(first.run, await worker.claimOne(first.run), {
        ...GIVE_UP,
        content: true,
        etag: "e1",
      });
      await worker.stores.runs.finish(first.run);
      const second = await worker.list();
      await worker.page(second.lease, aPage(["k"]));
      return (await worker.stores.runs.finish(second.run))?.state === "failed";
    },
  );

  guard(
    "with an open row issue are failed",
    [
      {
        statement: "load-batch",
        from: "WHEN EXISTS (SELECT FROM bad) OR EXISTS (",
        to: "WHEN false AND EXISTS (",
      },
    ],
    async (scene) => {
      const { run, lease } = await scene.worker.list();
      await scene.worker.page(lease, aPage(["k"]));
      const batch = aBatch(await scene.worker.claimOne(run), [0, 2], { badRows: [aBadRow(1)] });
      await scene.worker.stores.loads.saveBatch(run, batch);
      return (await objectOf(scene, "k")).state === "failed";
    },
  );

  guard(
    "become an issue after the third claim that never ended; a claim given back does not count",
    [
      {
        statement: "objects-claim",
        from: "AND d.attempts >= $6::int",
        to: "AND false AND $6::int > 0",
      },
      { statement: "objects-claim", from: "WHERE attempts < $6::int", to: "" },
    ],
    async (scene) => {
      const { worker } = scene;
      const { run, lease } = await worker.list();
      await worker.page(lease, aPage(["poison"]));
      await worker.stores.loads.release(run, [await worker.claimOne(run)]);
      const claims: number[] = [];
      for (let round = 0; round < 4; round++) {
        claims.push((await worker.claim(run)).length);
        await expireObject("poison");
      }
      const issues = await test.look("SELECT code FROM issue WHERE storage_id = $1", [
        scene.storageId,
      ]);
      const end = await worker.stores.runs.finish(run);
      return (
        claims.join() === "1,1,1,0" && issues[0]?.["code"] === "poison" && end?.state === "failed"
      );
    },
  );

  guard(
    "larger than a claim may be are claimed alone",
    [
      {
        statement: "objects-claim",
        from: "fit.n = 1 OR (fit.bytes <= $4::bigint",
        to: "(fit.bytes <= $4::bigint",
      },
    ],
    async ({ worker }) => {
      const { run, lease } = await worker.list();
      await worker.page(lease, { ...aPage(["a", "b"]), sizes: [500, 500] });
      return (
        (await worker.claim(run, 9, 100)).length === 1 &&
        (await worker.claim(run, 9, 100)).length === 1
      );
    },
  );

  guard(
    "whose last claim came to no end are claimed alone",
    [
      {
        statement: "objects-claim",
        from: " AND fit.attempts = 0 AND fit.first_attempts = 0",
        to: "",
      },
    ],
    async ({ worker }) => {
      const { run, lease } = await worker.list();
      await worker.page(lease, aPage(["a", "b", "c"]));
      const claims = [(await worker.claim(run)).length];
      for (const key of ["a", "b", "c"]) await expireObject(key);
      for (let round = 0; round < 4; round++) claims.push((await worker.claim(run)).length);
      return claims.join() === "3,1,1,1,0";
    },
  );

  guard(
    "of a half-read older version leave no tasks behind",
    [
      {
        statement: "load-batch",
        from: "WHERE $18::boolean AND t.source_object_id = o.id AND NOT EXISTS",
        to: "WHERE false AND $18::boolean AND t.source_object_id = o.id AND NOT EXISTS",
      },
    ],
    async (scene) => {
      const { worker } = scene;
      const { run, lease } = await worker.list();
      await worker.page(lease, aPage(["a"]));
      const object = await worker.claimOne(run);
      await worker.stores.loads.saveBatch(
        run,
        aBatch(object, [0, 1, 2], { finished: false, etag: "v1" }),
      );
      const newer = aBatch(object, [], {
        rows: [aRow(0, { data: '{"v":2}' })],
        rowsRead: 1,
        etag: "v2",
        replace: true,
      });
      await worker.stores.loads.saveBatch(run, newer);
      return (await objectOf(scene, "a")).live_tasks === 1;
    },
  );

  guardFiles(
    "whose task was deleted get one again, by the next run",
    [
      {
        statement: "page-files",
        from: "x.live_tasks = 0 AND x.attempt_run_id IS DISTINCT FROM l.run_id AS again",
        to: "false AS again",
      },
    ],
    async (scene) => {
      const { worker } = scene;
      const first = await worker.list();
      await worker.page(first.lease, aPage(["a", "b"]));
      await worker.stores.runs.finish(first.run);
      await test.look(
        "DELETE FROM task WHERE project_id = $1 AND data->>'$undefined$' LIKE '%/a'",
        [scene.projectId],
      );
      await test.look(
        "UPDATE source_object SET live_tasks = 0 WHERE storage_id = $1 AND key = 'a'",
        [scene.storageId],
      );
      const next = await worker.list();
      const page = await worker.page(next.lease, aPage(["a", "b"]));
      return (
        page?.rearmed === 1 && page.created === 0 && (await objectOf(scene, "a")).live_tasks === 1
      );
    },
  );

  guardFiles(
    "that a listing meets get exactly the inner ids that the worker holds, or none",
    [
      {
        statement: "page-files",
        from: "<= $10::int AS enough",
        to: "<= $10::int OR true AS enough",
      },
    ],
    async ({ worker, projectId }) => {
      const { lease } = await worker.list();
      // The first block holds 100 ids; another worker takes the next ones.
      const other = new TestWorker(test.db, worker.world);
      const keys = Array.from({ length: 300 }, (_, index) => String(index).padStart(4, "0"));
      await worker.page(lease, aPage(keys.slice(0, 20), { endOfUnit: false }));
      await other.stores.scans.insertFilesPage({ ...lease }, aPage(["x"], { endOfUnit: false }), {
        references: ["r"],
      });
      await worker.page(lease, aPage(keys, { endOfUnit: false }));
      await other.stores.scans.insertFilesPage({ ...lease }, aPage(["y"], { endOfUnit: false }), {
        references: ["r"],
      });
      const ids = await test.one<{ all: number; distinct: number }>(
        "SELECT count(*) AS all, count(DISTINCT inner_id) AS distinct FROM task WHERE project_id = $1",
        [projectId],
      );
      return ids.all === 302 && ids.distinct === 302;
    },
  );
});
