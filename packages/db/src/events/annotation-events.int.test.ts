import { Secret } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { ExportScene } from "../testing/export-scene.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import { applyDeletedEvent, applySavedEvent, type EventTask } from "./annotation-events.ts";
import { createEventAccessRepository } from "./event-access.ts";

const test = useTestDatabase("annotation_events");

function saved(scene: ExportScene, version: number, task: EventTask = { id: scene.taskId }) {
  const { organizationId, projectId } = scene.world;
  return applySavedEvent(test.db, {
    organizationId,
    projectId,
    externalId: "a-1",
    version,
    task,
    actorId: null,
    changes: { resultJson: JSON.stringify([version]) },
  });
}

function deleted(scene: ExportScene, version: number) {
  const { organizationId, projectId } = scene.world;
  return applyDeletedEvent(test.db, { organizationId, projectId, externalId: "a-1", version });
}

const storedIn = (scene: ExportScene) =>
  test.look("SELECT result, event_version FROM annotation WHERE project_id = $1", [
    scene.world.projectId,
  ]);

describe("events of annotations", () => {
  it("are ordered by their own version, whenever and however often they come", async () => {
    const scene = await ExportScene.make(test);
    expect(await saved(scene, 5)).toMatchObject({ kind: "saved", created: true, revision: 1 });
    expect(await saved(scene, 3)).toEqual({ kind: "stale" });
    expect(await saved(scene, 5)).toEqual({ kind: "stale" });
    expect(await saved(scene, 8)).toMatchObject({
      kind: "saved",
      created: false,
      revision: 2,
      targetIds: [scene.target.id],
    });
    expect(await storedIn(scene)).toEqual([{ result: [8], event_version: 8 }]);
  });

  it("that come together make one annotation, of the newest version", async () => {
    const scene = await ExportScene.make(test);
    await Promise.all([3, 1, 5, 2, 4, 5].map((version) => saved(scene, version)));
    expect(await storedIn(scene)).toEqual([{ result: [5], event_version: 5 }]);
  });

  it("do not bring back what was deleted, also when the deletion comes first", async () => {
    const scene = await ExportScene.make(test, { canDeleteObjects: true });
    expect(await deleted(scene, 4)).toEqual({ kind: "deleted", targetIds: [] });
    expect(await saved(scene, 3)).toEqual({ kind: "stale" });
    expect(await saved(scene, 6)).toMatchObject({ kind: "saved" });
    expect(await deleted(scene, 5)).toEqual({ kind: "stale" });
    expect(await deleted(scene, 7)).toEqual({ kind: "deleted", targetIds: [scene.target.id] });
    expect(await saved(scene, 7)).toEqual({ kind: "stale" });
    expect(await storedIn(scene)).toEqual([]);
  });

  it("name their task by our id, the platform's or the key of its object", async () => {
    const scene = await ExportScene.make(test);
    await test.look("UPDATE task SET external_id = 't-1' WHERE id = $1", [scene.taskId]);
    const { organizationId, storageId } = scene.world;
    await test.look(
      `WITH o AS (INSERT INTO source_object (organization_id, storage_id, location_version, key, state) VALUES ($1, $2, 1, 'a.jpg', 'done') RETURNING id)
       UPDATE task t SET source_object_id = o.id FROM o WHERE t.id = $3`,
      [organizationId, storageId, scene.taskId],
    );
    expect(await saved(scene, 1, { externalId: "t-1" })).toMatchObject({ kind: "saved" });
    expect(await saved(scene, 2, { sourceKey: "a.jpg" })).toMatchObject({ kind: "saved" });
    expect(await saved(scene, 3, { externalId: "t-2" })).toEqual({ kind: "unknown_task" });
    expect(await saved(scene, 3, { sourceKey: "b.jpg" })).toEqual({ kind: "unknown_task" });
    const other = await ExportScene.make(test);
    expect(await saved(scene, 3, { id: other.taskId })).toEqual({ kind: "unknown_task" });
  });
});

describe("access of event senders", () => {
  it("has two keys at most, which open again and sign nothing once they are revoked", async () => {
    const { world } = await ExportScene.make(test);
    const { organizationId, projectId } = world;
    const access = createEventAccessRepository(test.db);
    const first = defined(await access.addKey(organizationId, projectId, new Secret("one")));
    await access.addKey(organizationId, projectId, new Secret("two"));
    await expect(
      access.addKey(organizationId, projectId, new Secret("three")),
    ).rejects.toMatchObject({ reason: "event_key.two" });
    const open = async () =>
      (await access.openKeys(organizationId, projectId)).map((secret) => secret.reveal());
    expect(await open()).toEqual(["one", "two"]);
    expect(await access.revokeKey(organizationId, projectId, first.id)).toBe(true);
    expect(await access.revokeKey(organizationId, projectId, first.id)).toBe(false);
    expect(await open()).toEqual(["two"]);
    expect(await access.findOrganization(projectId)).toBe(organizationId);
    const stored = await test.look("SELECT secret FROM event_key WHERE project_id = $1", [
      projectId,
    ]);
    expect(JSON.stringify(stored)).not.toContain("two");
  });

  it("keeps the first answer to a batch, and the hash of a webhook's header", async () => {
    const { world } = await ExportScene.make(test);
    const { organizationId, projectId } = world;
    const access = createEventAccessRepository(test.db);
    const receipt = { idempotencyKey: "k", bodyHash: new Uint8Array([1, 2]), response: { a: 1 } };
    expect(await access.findReceipt(organizationId, projectId, "k")).toBeUndefined();
    await access.keepReceipt(organizationId, projectId, receipt);
    const second = await access.keepReceipt(organizationId, projectId, {
      ...receipt,
      response: { a: 2 },
    });
    expect(second.response).toEqual({ a: 1 });
    const header = { headerName: "x-hook", secretHash: new Uint8Array([7]) };
    await access.setWebhook(organizationId, projectId, header);
    expect(await access.findWebhook(organizationId, projectId)).toMatchObject({
      headerName: "x-hook",
    });
    await access.setWebhook(organizationId, projectId, undefined);
    expect(await access.findWebhook(organizationId, projectId)).toBeUndefined();
  });
});
