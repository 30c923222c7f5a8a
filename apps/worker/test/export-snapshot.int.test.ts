import { rm } from "node:fs/promises";
import { silentLogger } from "@bucketbridge/core";
import { createSnapshotRepository, createTaskRepository } from "@bucketbridge/db";
import type { JobContext } from "@bucketbridge/queue";
import { waitFor } from "@bucketbridge/testkit";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createExportSnapshotHandler } from "../src/handlers/export-snapshot.ts";
import { useWorld, type World } from "./harness.ts";

const getWorld = useWorld("worker_snapshots");
let world: World;
beforeEach(() => {
  world = getWorld();
});
afterAll(async () => {
  const { persistence } = world.settings;
  if (persistence.type === "local") await rm(persistence.folder, { recursive: true, force: true });
});

const aContext = (signal = new AbortController().signal): JobContext => ({
  signal,
  attempt: 1,
  place: 2,
  previous: undefined,
  log: silentLogger,
  progress: () => undefined,
  jobLog: () => undefined,
});

async function makeTasks(count: number): Promise<void> {
  const { organizationId, projectId } = world.tenant;
  const documents = Array.from({ length: count }, (_, n) => ({
    data: JSON.stringify({ n }),
    ...{ meta: null, allowSkip: true, annotations: [], predictions: [] },
  }));
  await createTaskRepository(world.database).create(organizationId, projectId, documents);
}

async function makeSnapshot(): Promise<number> {
  const { organizationId, projectId } = world.tenant;
  const snapshots = createSnapshotRepository(world.database);
  const made = { projectId, createdById: 1, title: "January", options: {} };
  return (await snapshots.create(organizationId, made))?.id ?? 0;
}

const findSnapshot = (id: number) =>
  createSnapshotRepository(world.database).find(
    world.tenant.organizationId,
    world.tenant.projectId,
    id,
  );

describe("the job of a snapshot", () => {
  it("writes every task of the project once, over several pages, whoever else tries", async () => {
    await makeTasks(250);
    const id = await makeSnapshot();
    const { deps } = await world.startWorker({ groups: [] });
    const handler = createExportSnapshotHandler(deps);
    const payload = {
      v: 1 as const,
      organizationId: world.tenant.organizationId,
      snapshotId: id,
      label: "",
    };
    const results = await Promise.all([handler(payload, aContext()), handler(payload, aContext())]);
    expect(results.map((result) => "state" in result && result.state).toSorted()).toEqual([
      "completed",
      "other",
    ]);
    expect(await handler(payload, aContext())).toMatchObject({ state: "other" });
    const snapshot = await findSnapshot(id);
    expect(snapshot).toMatchObject({ status: "completed", taskCount: 250 });
    const { file } = snapshot ?? {};
    if (file === null || file === undefined) return expect.unreachable();
    const store = await deps.files.open();
    const chunks: Uint8Array[] = [];
    for await (const chunk of store.read(file, undefined, aContext())) chunks.push(chunk);
    const tasks = JSON.parse(Buffer.concat(chunks).toString()) as { data: { n: number } }[];
    expect(tasks.map(({ data }) => data.n)).toEqual(Array.from({ length: 250 }, (_, n) => n));
  });

  it("is taken over from a worker that died, whose file never counts", async () => {
    const id = await makeSnapshot();
    const { deps } = await world.startWorker({ groups: [], exporting: { leaseSeconds: 1 } });
    const ref = { organizationId: world.tenant.organizationId, snapshotId: id };
    const dead = await deps.snapshots.claim(ref);
    expect(await deps.snapshots.claim(ref)).toBeUndefined();
    const worker = await world.startWorker({ groups: ["export"] });
    await waitFor(async () => (await findSnapshot(id))?.status === "completed", {
      timeoutMs: 20_000,
    });
    if (dead === undefined) return expect.unreachable();
    const late = { key: "export/late.json", size: 1, md5: "", tasks: 9, annotations: 9 };
    expect(await deps.snapshots.complete(dead, late)).toBe(false);
    expect((await findSnapshot(id))?.file?.key).toMatch(new RegExp(`/${String(id)}/2\\.json$`));
    await worker.stop();
  });

  it("fails for good at the third worker that it kills", async () => {
    const id = await makeSnapshot();
    const { deps } = await world.startWorker({ groups: [], exporting: { leaseSeconds: 1 } });
    const ref = { organizationId: world.tenant.organizationId, snapshotId: id };
    const expire = () =>
      world.query(
        `UPDATE export_snapshot SET lease_until = now() - interval '1 s' WHERE id = ${String(id)}`,
      );
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(await deps.snapshots.claim(ref)).toMatchObject({ epoch: attempt });
      await expire();
    }
    expect(await deps.snapshots.claim(ref)).toBeUndefined();
    expect(await findSnapshot(id)).toMatchObject({ status: "failed" });
    expect((await findSnapshot(id))?.errorMessage).toContain("three times");
  });

  it("is given back at a shutdown and done by the next worker", async () => {
    const id = await makeSnapshot();
    const { deps } = await world.startWorker({ groups: [] });
    const stop = new AbortController();
    stop.abort();
    const handler = createExportSnapshotHandler(deps);
    const payload = {
      v: 1 as const,
      organizationId: world.tenant.organizationId,
      snapshotId: id,
      label: "",
    };
    await expect(handler(payload, aContext(stop.signal))).rejects.toThrow();
    expect(await findSnapshot(id)).toMatchObject({ status: "created" });
    expect(await handler(payload, aContext())).toMatchObject({ state: "completed" });
  });
});

it("the files of a deleted project go before the project", async () => {
  const { organizationId, projectId } = await world.addTenant("Gone");
  const snapshots = createSnapshotRepository(world.database);
  const made = { projectId, createdById: 1, title: "Last", options: {} };
  const snapshotId = (await snapshots.create(organizationId, made))?.id ?? 0;
  const { deps } = await world.startWorker({ groups: [] });
  const payload = { v: 1 as const, organizationId, snapshotId, label: "" };
  await createExportSnapshotHandler(deps)(payload, aContext());
  const store = await deps.files.open();
  const listFiles = async (): Promise<number> => {
    let count = 0;
    for await (const page of store.objects(`export/${String(projectId)}/`, aContext()))
      count += page.length;
    return count;
  };
  expect(await listFiles()).toBe(1);
  await world.query(
    `UPDATE project SET deleted_at = now() - interval '1 day' WHERE id = ${String(projectId)}`,
  );
  await deps.purge();
  const rows = await world.query(`SELECT id FROM project WHERE id = ${String(projectId)}`);
  expect(rows).toHaveLength(1);
  const worker = await world.startWorker({ groups: ["export"] });
  await waitFor(
    async () => {
      await deps.purge();
      return (
        (await world.query(`SELECT id FROM project WHERE id = ${String(projectId)}`)).length === 0
      );
    },
    { timeoutMs: 20_000 },
  );
  expect(await listFiles()).toBe(0);
  await worker.stop();
});
