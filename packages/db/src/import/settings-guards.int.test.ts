import { describe } from "vitest";
import { lockStorage, restartAfterChange } from "../runs/transitions.ts";
import { type StatementName } from "../statements.ts";
import { makeGuard, type Scene } from "../testing/guard.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import { aBatch, aPage } from "../testing/world.ts";
import type { ClaimedObjectRecord, RunKey, UnitLeaseRecord } from "./records.ts";

const test = useTestDatabase("settings_guards");
const guard = makeGuard(test);
const GIVE_UP = {
  code: "c",
  message: "m",
  byteOffset: null,
  retryAfterSeconds: null,
  etag: null,
  content: false,
};

const countRuns = async (scene: Scene, state: string) =>
  (
    await test.look("SELECT FROM run WHERE storage_id = $1 AND state = $2", [
      scene.storageId,
      state,
    ])
  ).length;

/** Changes what a change of settings changes, without touching a column. */
function change(scene: Scene, moved: boolean): Promise<number | null> {
  return test.db.inOrganization(scene.organizationId, async (tx) => {
    await lockStorage(tx, scene.statements, scene.storageId);
    const what = { storageId: scene.storageId, moved, refiltered: false, becameFiles: false };
    return restartAfterChange(tx, scene.statements, what);
  });
}

describe("settings that change while a run works", () => {
  guard(
    "let the old listing write nothing at the new place",
    [
      {
        statement: "page-tasks",
        from: "AND r.state = 'running' AND r.settings_version = s.settings_version",
        to: "",
      },
      {
        statement: "page-known",
        from: "AND r.state = 'running' AND r.settings_version = s.settings_version",
        to: "",
      },
    ],
    async (scene) => {
      const { worker, organizationId } = scene;
      const { lease } = await worker.list();
      await worker.page(lease, aPage(["a"], { endOfUnit: false }));
      const next = { organizationId, runId: defined(await change(scene, true)) };
      const late = await worker.page(lease, aPage(["old"]));
      const taken = defined(await worker.stores.scans.takeUnit(next, "other"));
      const page = await worker.page(taken, aPage(["a", "b"]));
      return (
        late === undefined && page?.created === 2 && (await countRuns(scene, "canceled")) === 1
      );
    },
  );

  /** Only the version differs: the check alone must hold. */
  const attempts: Readonly<
    Partial<
      Record<
        StatementName,
        (
          scene: Scene,
          run: RunKey,
          lease: UnitLeaseRecord,
          object: ClaimedObjectRecord,
        ) => Promise<unknown>
      >
    >
  > = {
    "page-tasks": ({ worker }, _run, lease) => worker.page(lease, aPage(["c"], { ordered: false })),
    "page-known": ({ worker }, _run, lease) => worker.page(lease, aPage(["a", "b"])),
    "page-dry-run": ({ worker }, _run, lease) =>
      worker.stores.scans.recordDryRunPage(lease, { page: aPage(["a"]), filteredKeys: [] }),
    "page-files": ({ worker }, _run, lease) =>
      worker.stores.scans.insertFilesPage(lease, aPage(["c"], { ordered: false }), {
        references: ["r"],
      }),
    "unit-renew": ({ worker }, _run, lease) => worker.stores.scans.renewUnit(lease),
    "objects-claim": async ({ worker }, run) => (await worker.claim(run))[0],
    "objects-renew": async ({ worker }, run, _lease, object) =>
      (await worker.stores.loads.renew(run, [object])).size === 0 ? undefined : "renewed",
    "load-batch": ({ worker }, run, _lease, object) =>
      worker.stores.loads.saveBatch(run, aBatch(object, [0])),
    "load-fail": async ({ worker }, run, _lease, object) =>
      (await worker.stores.loads.fail(run, object, GIVE_UP)) ? "failed" : undefined,
    "object-forget": async ({ worker }, run, _lease, object) =>
      (await worker.stores.loads.forget(run, object)) ? "forgotten" : undefined,
    "unit-take": async ({ worker }, run, lease) => {
      await worker.stores.scans.releaseUnit(lease);
      return worker.stores.scans.takeUnit(run, "other");
    },
  };
  for (const [statement, attempt] of Object.entries(attempts)) {
    guard(
      `refuse ${statement}`,
      [
        {
          statement: statement as StatementName,
          from: /AND r\.settings_version = s\.settings_version/,
          to: "",
        },
      ],
      async (scene) => {
        const { run, lease } = await scene.worker.list();
        // Loaded and failed once, so that the known page is the page of the table.
        await scene.worker.page(lease, aPage(["a", "b"], { endOfUnit: false, ordered: false }));
        const object = await scene.worker.claimOne(run);
        const quiet = { ...lease };
        await test.look("UPDATE storage SET settings_version = 2 WHERE id = $1", [scene.storageId]);
        return (await attempt(scene, run, quiet, object)) === undefined;
      },
    );
  }

  guard(
    "give claimed objects back at once, and the claim does not count",
    [
      {
        statement: "storage-changed",
        from: "WHERE w.lease_owner IS NOT NULL AND NOT",
        to: "WHERE false AND NOT",
      },
    ],
    async (scene) => {
      const { worker, organizationId } = scene;
      const { run, lease } = await worker.list();
      await worker.page(lease, aPage(["a"]));
      await worker.claimOne(run);
      const next = { organizationId, runId: defined(await change(scene, false)) };
      const taken = defined(await worker.stores.scans.takeUnit(next, "other"));
      await worker.page(taken, aPage(["a"]));
      return (await worker.claim(next))[0]?.attempts === 1;
    },
  );
});
