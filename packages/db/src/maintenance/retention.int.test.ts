import { beforeAll, describe, expect, it } from "vitest";
import { ExportScene } from "../testing/export-scene.ts";
import { useTestDatabase } from "../testing/test-database.ts";
import { makeWorld, type World } from "../testing/world.ts";
import {
  createRetention,
  type Retention,
  type RetentionPolicy,
  type RetentionResult,
} from "./retention.ts";

const test = useTestDatabase("retention");

const POLICY: RetentionPolicy = {
  solvedIssueDays: 30,
  runsPerStorage: 3,
  tombstoneDays: 30,
  receiptDays: 30,
  oldPlaceDays: 7,
  auditDays: 365,
};
const NOTHING = { issues: 0, runs: 0, tombstones: 0, receipts: 0, places: 0, audit: 0 };

let retention: Retention;
beforeAll(() => {
  retention = createRetention(test.db, POLICY);
});

const apply = (chunkRows = 100, maxChunks = 100): Promise<RetentionResult | undefined> =>
  retention({ chunkRows, maxChunks });

/** Ended runs of these kinds, numbered from 1; gives their ids. */
async function addRuns({ organizationId, storageId }: World, kinds: readonly string[]) {
  const rows = await test.look<{ id: number }>(
    `INSERT INTO run (organization_id, storage_id, number, kind, state, settings_version)
     SELECT $1, $2, n, kind, 'completed', 1 FROM unnest($3::text[]) WITH ORDINALITY AS k(kind, n) RETURNING id`,
    [organizationId, storageId, kinds],
  );
  return rows.map(({ id }) => id);
}

async function runsOf({ storageId }: World): Promise<number[]> {
  const rows = await test.look<{ number: number }>(
    "SELECT number FROM run WHERE storage_id = $1 ORDER BY number",
    [storageId],
  );
  return rows.map(({ number }) => number);
}

/** An issue of a run; `solvedDaysAgo` null: it is open. */
async function addIssue(world: World, runId: number, key: string, solvedDaysAgo: number | null) {
  await test.look(
    `INSERT INTO issue (organization_id, storage_id, run_id, key, code, message, first_seen_at, resolved_at)
     VALUES ($1, $2, $3, $4, 'row_invalid', 'm', now() - interval '90 days', now() - make_interval(days => $5::int))`,
    [world.organizationId, world.storageId, runId, key, solvedDaysAgo],
  );
}

async function issuesOf({ storageId }: World): Promise<string[]> {
  const rows = await test.look<{ key: string }>(
    "SELECT key FROM issue WHERE storage_id = $1 ORDER BY key",
    [storageId],
  );
  return rows.map(({ key }) => key);
}

describe("issues", () => {
  it("go a month after they were solved; open ones stay, however old", async () => {
    const world = await makeWorld(test.db);
    const [run = 0] = await addRuns(world, ["sync"]);
    await addIssue(world, run, "open", null);
    await addIssue(world, run, "solved lately", 29);
    for (const key of ["a", "b", "c"]) await addIssue(world, run, key, 31);
    expect(await apply(2, 1)).toEqual({ dropped: { ...NOTHING, issues: 2 }, isMore: true });
    expect(await apply(2)).toEqual({ dropped: { ...NOTHING, issues: 1 }, isMore: false });
    expect(await issuesOf(world)).toEqual(["open", "solved lately"]);
  });
});

describe("runs", () => {
  it("go, the oldest first, when their storage has more than it keeps", async () => {
    const [world, other] = [await makeWorld(test.db), await makeWorld(test.db)];
    await addRuns(world, Array<string>(8).fill("sync"));
    await addRuns(other, Array<string>(3).fill("sync"));
    expect(await apply(2, 1)).toEqual({ dropped: { ...NOTHING, runs: 2 }, isMore: true });
    expect(await apply(2)).toMatchObject({ dropped: { runs: 3 }, isMore: false });
    expect(await runsOf(world)).toEqual([6, 7, 8]);
    expect(await runsOf(other)).toEqual([1, 2, 3]);
  });

  it("stay while they are under way, have open issues, own deliveries or are the newest of their kind", async () => {
    const world = await makeWorld(test.db);
    const kinds = ["sync", "retry", "sync", "dry_run", "dry_run", "dry_run", "dry_run", "dry_run"];
    const runs = await addRuns(world, kinds);
    await addIssue(world, runs[0] ?? 0, "open", null);
    await test.look("UPDATE run SET state = 'running' WHERE id = $1", [runs[3]]);
    await test.look(
      `INSERT INTO delivery (organization_id, target_id, subject_type, subject_id, wanted_revision, wanted_op, run_id)
       VALUES ($1, $2, 'annotation', 1, 1, 'put', $3)`,
      [world.organizationId, world.storageId, runs[4]],
    );
    await apply();
    expect(await runsOf(world)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    await test.look("UPDATE run SET state = 'failed' WHERE id = $1", [runs[3]]);
    await test.look("DELETE FROM delivery WHERE target_id = $1", [world.storageId]);
    await test.look("UPDATE issue SET resolved_at = now() WHERE storage_id = $1", [
      world.storageId,
    ]);
    expect(await apply()).toMatchObject({ dropped: { runs: 3 } });
    expect(await runsOf(world)).toEqual([2, 3, 6, 7, 8]);
    expect(await issuesOf(world)).toEqual([]);
  });

  it("take their solved issues with them in pieces", async () => {
    const world = await makeWorld(test.db);
    const [first = 0] = await addRuns(world, Array<string>(4).fill("sync"));
    for (const key of ["a", "b", "c", "d", "e"]) await addIssue(world, first, key, 1);
    await apply(2, 1);
    expect([await issuesOf(world), await runsOf(world)]).toEqual([
      ["c", "d", "e"],
      [1, 2, 3, 4],
    ]);
    expect(await apply(2)).toMatchObject({ dropped: { runs: 1 }, isMore: false });
    expect([await issuesOf(world), await runsOf(world)]).toEqual([[], [2, 3, 4]]);
  });
});

describe("what events leave behind", () => {
  it("goes after a month", async () => {
    const { organizationId, projectId } = await makeWorld(test.db);
    for (const days of [29, 31, 32]) {
      await test.look(
        `WITH t AS (
           INSERT INTO annotation_tombstone (organization_id, project_id, external_id, event_version, deleted_at)
           VALUES ($1, $2, $3, 1, now() - make_interval(days => $4::int)))
         INSERT INTO event_receipt (organization_id, project_id, idempotency_key, body_hash, response, created_at)
         VALUES ($1, $2, $3, '', '{}', now() - make_interval(days => $4::int))`,
        [organizationId, projectId, `${String(days)} days`, days],
      );
    }
    expect(await apply(1)).toEqual({
      dropped: { ...NOTHING, tombstones: 2, receipts: 2 },
      isMore: false,
    });
    const kept = await test.look(
      `SELECT external_id, idempotency_key FROM annotation_tombstone JOIN event_receipt USING (project_id) WHERE project_id = $1`,
      [projectId],
    );
    expect(kept).toEqual([{ external_id: "29 days", idempotency_key: "29 days" }]);
  });
});

describe("an old place of a target", () => {
  it("goes with its secrets once no delete waits for it, and is given up after a week", async () => {
    const scene = await ExportScene.make(test, { canDeleteObjects: true });
    const { annotation } = await scene.save();
    await scene.pushAll();
    await scene.remove(annotation.id);
    await scene.change({ prefix: "two" }, "move");
    expect(await apply()).toMatchObject({ dropped: { places: 0 } });
    await test.look("UPDATE target_place SET retired_at = now() - interval '8 days'");
    expect(await apply()).toMatchObject({ dropped: { places: 2 } });
    expect(await scene.delivery()).toMatchObject({ state: "ended", is_due: false });
    expect(await test.look("SELECT FROM target_place")).toEqual([]);
  });

  it("stays until the last of many deletes is given up", async () => {
    const scene = await ExportScene.make(test, { canDeleteObjects: true });
    const saved = [await scene.save(), await scene.save(), await scene.save()];
    await scene.pushAll();
    await scene.remove(...saved.map(({ annotation }) => annotation.id));
    await scene.change({ prefix: "two" }, "move");
    await test.look("UPDATE target_place SET retired_at = now() - interval '8 days'");
    expect(await apply(2, 1)).toMatchObject({ dropped: { places: 2 }, isMore: true });
    expect(await test.look("SELECT FROM target_place")).toHaveLength(1);
    expect(await apply(2)).toMatchObject({ dropped: { places: 2 }, isMore: false });
    expect(await test.look("SELECT FROM target_place")).toEqual([]);
  });
});

describe("two workers", () => {
  it("are not at it together", async () => {
    await test.db.inMaintenance(
      async (tx) => {
        await tx.$queryRaw`SELECT pg_advisory_xact_lock(7202613)::text`;
        expect(await apply()).toBeUndefined();
      },
      { op: "test" },
    );
    expect(await apply()).toMatchObject({ isMore: false });
  });
});

describe("audit events", () => {
  it("go when they are old, and nobody changes one before", async () => {
    const { organizationId } = await makeWorld(test.db);
    await test.look(
      `INSERT INTO audit_event (organization_id, created_at, action, status, request_id)
       SELECT $1, now() - make_interval(days => d), 'storage.changed', 200, 'r' FROM unnest(ARRAY[364, 366, 400]) d`,
      [organizationId],
    );
    const change = test.db.inMaintenance((tx) => tx.auditEvent.updateMany({ data: { status: 1 } }));
    await expect(change).rejects.toMatchObject({ op: "db.transaction" });
    const drop = test.db.inOrganization(organizationId, (tx) => tx.auditEvent.deleteMany());
    expect(await drop).toEqual({ count: 0 });
    expect(await apply(1)).toMatchObject({ dropped: { audit: 2 } });
    const left = await test.look("SELECT status FROM audit_event");
    expect(left).toEqual([{ status: 200 }]);
  });
});

describe("one worker", () => {
  it("walks through all storages, however many there are", async () => {
    const world = await makeWorld(test.db);
    await test.look(
      `INSERT INTO storage (organization_id, project_id, direction, provider, settings)
       SELECT organization_id, project_id, direction, provider, settings
       FROM storage, generate_series(1, 450) WHERE id = $1`,
      [world.storageId],
    );
    const last = await makeWorld(test.db);
    await addRuns(last, Array<string>(4).fill("sync"));
    let rounds = 0;
    while ((await apply(10, 1))?.isMore === true && rounds < 10) rounds++;
    expect(await runsOf(last)).toEqual([2, 3, 4]);
    expect(rounds).toBeLessThan(10);
  });
});
