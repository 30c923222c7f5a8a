import { describe, expect, it } from "vitest";
import { createDeliveryRepository } from "../repositories/deliveries.ts";
import { ExportScene } from "../testing/export-scene.ts";
import { useTestDatabase } from "../testing/test-database.ts";
import { createReconcileStore } from "./reconcile-store.ts";

const test = useTestDatabase("reconcile");

describe("deliveries of a target", () => {
  it("are listed page by page with their status, and counted", async () => {
    const scene = await ExportScene.make(test);
    for (let count = 0; count < 3; count++) await scene.save();
    await scene.deliver(await scene.claimOne(), 1, "key-1");
    const { target, delivery } = await scene.claimOne();
    const failure = { code: "permission_denied", message: "no", retryAfterSeconds: 60 } as const;
    await scene.stores.deliveries.failed(target, delivery, failure);
    const repository = createDeliveryRepository(test.db);
    const { organizationId, targetId } = scene.key;
    const first = await repository.list(organizationId, { targetId, limit: 2 });
    const rest = await repository.list(organizationId, { targetId, limit: 2, after: first[1] });
    expect([...first, ...rest].map(({ status }) => status)).toEqual([
      "delivered",
      "failing",
      "pending",
    ]);
    const failing = await repository.list(organizationId, {
      targetId,
      status: "failing",
      errorCode: "permission_denied",
      limit: 10,
    });
    expect(failing).toMatchObject([{ subjectId: delivery.subjectId, errorMessage: "no" }]);
    expect(await repository.count(organizationId, targetId)).toMatchObject({
      pending: 1,
      failing: 1,
      delivered: 1,
      ended: 0,
    });
    const found = await repository.listByKeys(organizationId, targetId, ["key-1", "key-2"]);
    expect(found.map(({ objectKey }) => objectKey)).toEqual(["key-1"]);
  });
});

describe("what a comparison found", () => {
  it("is counted by kind with its first keys, and repaired as part of the run", async () => {
    const scene = await ExportScene.make(test);
    const { annotation } = await scene.save();
    await scene.pushAll();
    const { runId } = await scene.ask("reconcile");
    const run = { ...scene.key, runId };
    const store = createReconcileStore(test.db);
    const subject = { type: "annotation" as const, id: annotation.id };
    await store.add(run, [{ kind: "missing", key: "a", subject }]);
    await store.add(run, [
      { kind: "foreign", key: "z", subject: null },
      { kind: "missing", key: "b", subject },
    ]);
    expect(await store.list(scene.key.organizationId, runId)).toMatchObject([
      { kind: "foreign", count: 1, entries: [{ key: "z", subject: null }] },
      { kind: "missing", count: 2, entries: [{ key: "a", subject }, { key: "b" }] },
    ]);
    expect(await store.repair(run, [subject])).toBe(1);
    expect(await scene.delivery()).toMatchObject({ is_now: true, run_id: runId });
    await store.clear(run);
    expect(await store.list(scene.key.organizationId, runId)).toEqual([]);
  });
});
