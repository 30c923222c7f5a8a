import { describe, expect, it } from "vitest";
import { lockStorage, restartAfterChange, type StorageChange } from "../runs/transitions.ts";
import { loadStatements } from "../statements.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import { aBadRow, aBatch, aPage, makeWorld, TestWorker } from "../testing/world.ts";
import type { RunKey } from "./records.ts";

const test = useTestDatabase("settings_change");

/** Objects of every state: done, failed without and with tasks, pending, half loaded. */
async function mixed(): Promise<{ worker: TestWorker; run: RunKey }> {
  const worker = new TestWorker(test.db, await makeWorld(test.db));
  const { run, lease } = await worker.list();
  await worker.page(lease, aPage(["a-done", "b-failed", "c-partly", "d-half", "e-pending"]));
  const { loads } = worker.stores;
  const [done, failed, partly, half] = await worker.claim(run, 4);
  await loads.saveBatch(run, aBatch(defined(done), [0]));
  const failure = {
    code: "c",
    message: "m",
    byteOffset: null,
    retryAfterSeconds: null,
    etag: "e1",
    content: true,
  };
  await loads.fail(run, defined(failed), failure);
  await loads.saveBatch(run, aBatch(defined(partly), [0], { badRows: [aBadRow(1)] }));
  await loads.saveBatch(run, aBatch(defined(half), [0], { finished: false }));
  return { worker, run };
}

async function change(
  worker: TestWorker,
  what: Partial<Omit<StorageChange, "storageId">>,
): Promise<RunKey> {
  const { organizationId, storageId } = worker.world;
  const full = { storageId, moved: false, refiltered: false, becameFiles: false, ...what };
  const next = await test.db.inOrganization(organizationId, async (tx) => {
    await lockStorage(tx, loadStatements(), storageId);
    return restartAfterChange(tx, loadStatements(), full);
  });
  return { organizationId, runId: defined(next) };
}

const objects = async (worker: TestWorker): Promise<string[]> => {
  const rows = await test.look<{ key: string; state: string }>(
    "SELECT key, state FROM source_object WHERE storage_id = $1 ORDER BY location_version, key",
    [worker.world.storageId],
  );
  return rows.map(({ key, state }) => `${key} ${state}`);
};

const openIssues = async (worker: TestWorker): Promise<number> =>
  (
    await test.look("SELECT FROM issue WHERE storage_id = $1 AND resolved_at IS NULL", [
      worker.world.storageId,
    ])
  ).length;

const versions = (worker: TestWorker) =>
  test.one("SELECT settings_version, location_version FROM storage WHERE id = $1", [
    worker.world.storageId,
  ]);

describe("changed credentials", () => {
  it("end the run as canceled, leave one that goes on, and keep every object", async () => {
    const { worker, run } = await mixed();
    const before = await objects(worker);
    const next = await change(worker, {});
    expect(await versions(worker)).toEqual({ settings_version: 2, location_version: 1 });
    expect(await objects(worker)).toEqual(before);
    expect(await openIssues(worker)).toBe(2);
    const ended = await test.one("SELECT state, error_reason, tasks FROM run WHERE id = $1", [
      run.runId,
    ]);
    expect(ended).toEqual({ state: "canceled", error_reason: "settings_changed", tasks: 3 });
    const lease = defined(await worker.stores.scans.takeUnit(next, "w"));
    await worker.page(lease, aPage(["a-done", "b-failed", "c-partly", "d-half", "e-pending"]));
    expect(await worker.loadAll(next)).toBe(2);
    expect(await worker.stores.runs.finish(next)).toMatchObject({ state: "completed_with_errors" });
  });
});

describe("a changed filter", () => {
  it("drops what was never loaded and may not match any more, and resolves the issues", async () => {
    const { worker } = await mixed();
    const next = await change(worker, { refiltered: true });
    expect(await versions(worker)).toEqual({ settings_version: 2, location_version: 1 });
    expect(await objects(worker)).toEqual(["a-done done", "c-partly failed", "d-half pending"]);
    expect(await openIssues(worker)).toBe(0);
    // The listing finds what still matches: unchanged, but read again.
    const lease = defined(await worker.stores.scans.takeUnit(next, "w"));
    const page = await worker.page(lease, aPage(["a-done", "b-failed", "c-partly"]));
    expect(page).toMatchObject({ created: 1, known: 2, rearmed: 1 });
    await worker.loadAll(next, [0, 1]);
    expect(await worker.stores.runs.finish(next)).toMatchObject({ state: "completed" });
    expect(await openIssues(worker)).toBe(0);
  });
});

describe("a changed method", () => {
  it("gives each key without a task its one task, and lets loaded ones be", async () => {
    const { worker } = await mixed();
    await test.look("UPDATE storage SET use_blob_urls = true WHERE id = $1", [
      worker.world.storageId,
    ]);
    const next = await change(worker, { refiltered: true, becameFiles: true });
    expect(await objects(worker)).toEqual(["a-done done", "c-partly done", "d-half done"]);
    const lease = defined(await worker.stores.scans.takeUnit(next, "w"));
    const page = await worker.page(
      lease,
      aPage(["a-done", "b-failed", "c-partly", "d-half", "e-pending"]),
    );
    expect(page).toMatchObject({ created: 2, known: 3, rearmed: 0 });
    expect(await worker.stores.runs.finish(next)).toMatchObject({ state: "completed" });
  });
});

describe("a moved storage", () => {
  it("starts at the new place with nothing known, and counts no old key as known", async () => {
    const { worker } = await mixed();
    const next = await change(worker, { moved: true });
    expect(await versions(worker)).toEqual({ settings_version: 2, location_version: 2 });
    const lease = defined(await worker.stores.scans.takeUnit(next, "w"));
    expect(await worker.page(lease, aPage(["a-done"]))).toMatchObject({ created: 1, known: 0 });
    await worker.loadAll(next);
    expect(await worker.stores.runs.finish(next)).toMatchObject({ state: "completed" });
    expect(await openIssues(worker)).toBe(0);
  });
});

describe("no active run", () => {
  it("is needed for a change: nothing starts", async () => {
    const worker = new TestWorker(test.db, await makeWorld(test.db));
    await expect(change(worker, { refiltered: true })).rejects.toMatchObject({ code: "not_found" });
    expect(await versions(worker)).toEqual({ settings_version: 2, location_version: 1 });
  });

  it("comes back for one that somebody canceled", async () => {
    const { worker, run } = await mixed();
    await test.look("UPDATE run SET cancel_requested = true WHERE id = $1", [run.runId]);
    await expect(change(worker, {})).rejects.toMatchObject({ code: "not_found" });
  });
});
