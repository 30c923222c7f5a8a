import { describe, expect, it } from "vitest";
import { ExportScene, makeExportGuard } from "../testing/export-scene.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import type { ComparedPageRecord } from "./comparison-store.ts";
import type { ExportRunRecord } from "./export-run-store.ts";
import { createReconcileStore } from "./reconcile-store.ts";

const test = useTestDatabase("comparison_guards");
const guard = makeExportGuard(test);

/** A comparison that has begun; `since`: the clock before its first page. */
async function begin(scene: ExportScene): Promise<{ run: ExportRunRecord; since: string }> {
  const run = await scene.ask("reconcile");
  await scene.stores.runs.heartbeat(run);
  const { since } = defined(await scene.stores.comparisons.begin(run));
  return { run, since };
}

/** The only page of a listing, or its end without objects. */
function aPage(since: string, keys: readonly string[], etag = "e"): ComparedPageRecord {
  return {
    ...{ page: 0, since, keys, etags: keys.map(() => etag), cursor: null },
    ...{ bytes: keys.map(() => 1), named: keys.map(() => false) },
  };
}

async function kinds(scene: ExportScene, { runId }: ExportRunRecord): Promise<string> {
  const found = await createReconcileStore(test.db).list(scene.key.organizationId, runId);
  return found.map(({ kind, count }) => `${kind} ${String(count)}`).join();
}

describe("a comparison", () => {
  guard(
    "does not judge an object by a put that was recorded after its page was asked for",
    [
      {
        statement: "reconcile-page",
        from: "x.delivered_at < $7::text::timestamptz",
        to: "$7::text IS NOT NULL",
      },
    ],
    async (scene) => {
      const { annotation } = await scene.save();
      await scene.pushAll();
      const { run, since } = await begin(scene);
      await scene.save(annotation.id);
      await scene.pushAll();
      const key = `one/${String(annotation.id)}`;
      await scene.stores.comparisons.addPage(run, aPage(since, [key], "of the old revision"));
      return (await kinds(scene, run)) === "";
    },
  );

  guard(
    "does not judge an object that is being put",
    [
      {
        statement: "reconcile-page",
        from: "x.state = 'delivered' AND x.lease_owner IS NULL AND x.due_at IS NULL AND",
        to: "",
      },
    ],
    async (scene) => {
      const { annotation } = await scene.save();
      await scene.pushAll();
      const { run, since } = await begin(scene);
      await scene.save(annotation.id);
      await scene.claimOne();
      const key = `one/${String(annotation.id)}`;
      await scene.stores.comparisons.addPage(run, aPage(since, [key], "of the new revision"));
      return (await kinds(scene, run)) === "";
    },
  );

  guard(
    "does not miss what was put behind its listing",
    [
      {
        statement: "reconcile-missing",
        from: "AND d.delivered_at < (SELECT o.started_at FROM of o)",
        to: "",
      },
    ],
    async (scene) => {
      const { run, since } = await begin(scene);
      await scene.save();
      await scene.pushAll();
      await scene.stores.comparisons.addPage(run, aPage(since, []));
      await scene.stores.comparisons.addMissing(run, 0, 10);
      return (await kinds(scene, run)) === "";
    },
  );

  guard(
    "counts a page once, whoever else compares it",
    [{ statement: "reconcile-page", from: "AND r.compare_page = $2::int", to: "AND $2::int >= 0" }],
    async (scene) => {
      const { run, since } = await begin(scene);
      const page = { ...aPage(since, ["one/x"]), cursor: "next" };
      await Promise.all([1, 2].map(() => scene.stores.comparisons.addPage(run, page)));
      return (await kinds(scene, run)) === "foreign 1";
    },
  );

  guard(
    "writes nothing once its target has changed",
    [
      {
        statement: "reconcile-page",
        from: "AND r.settings_version = s.settings_version",
        to: "",
      },
    ],
    async (scene) => {
      const { run, since } = await begin(scene);
      await test.look("UPDATE storage SET settings_version = settings_version + 1 WHERE id = $1", [
        scene.target.id,
      ]);
      await scene.stores.comparisons.addPage(run, aPage(since, ["one/x"]));
      return (await kinds(scene, run)) === "";
    },
  );

  guard(
    "that only looks is no answer to one that repairs",
    [
      {
        statement: "run-ask",
        from: "AND (r.options->>'repair' = 'true' OR $5::jsonb->>'repair' IS DISTINCT FROM 'true')",
        to: "",
      },
    ],
    async (scene) => {
      const first = await scene.ask("reconcile");
      const { runId } = await scene.ask("reconcile", false, { repair: true });
      return runId !== first.runId;
    },
  );

  it("puts a repaired object once more when late puts cannot land any more", async () => {
    const scene = await ExportScene.make(test);
    const { annotation } = await scene.save();
    await scene.pushAll();
    const run = await scene.ask("reconcile", false, { repair: true });
    await scene.stores.runs.heartbeat(run);
    const { since } = defined(await scene.stores.comparisons.begin(run));
    const key = `one/${String(annotation.id)}`;
    await scene.stores.comparisons.addPage(run, aPage(since, [key], "edited"));
    const { is_now, settles } = await scene.delivery();
    expect({ is_now, settles }).toEqual({ is_now: true, settles: true });
  });
});
