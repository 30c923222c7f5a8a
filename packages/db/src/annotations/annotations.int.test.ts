import { describe, expect, it } from "vitest";
import { createAnnotationRepository } from "../repositories/annotations.ts";
import { addTask, addTarget, ExportScene } from "../testing/export-scene.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";
import { makeWorld, type World } from "../testing/world.ts";
import {
  deleteAnnotationsOfTasks,
  deleteGroundTruths,
  deletePredictionsOfTasks,
  predictionsToAnnotations,
  removeDuplicates,
} from "./bulk.ts";
import { deleteAnnotations } from "./delete-annotations.ts";
import { createDraftRepository } from "./drafts.ts";
import { createPredictionRepository } from "./predictions.ts";
import { saveAnnotation, type AnnotationChanges } from "./save-annotation.ts";

const test = useTestDatabase("annotations");

interface Place extends World {
  readonly taskId: number;
}

async function aPlace(): Promise<Place> {
  const world = await makeWorld(test.db);
  return { ...world, taskId: await addTask(test, world) };
}

function save(place: Place, changes: AnnotationChanges, annotationId?: number, revision?: number) {
  const { organizationId, projectId, userId, taskId } = place;
  return saveAnnotation(test.db, {
    organizationId,
    projectId,
    of: annotationId === undefined ? { taskId } : { annotationId },
    actorId: userId,
    changes,
    expectedRevision: revision,
  });
}

const countsOf = (taskId: number) =>
  test.one(
    `SELECT total_annotations AS total, cancelled_annotations AS cancelled, is_labeled AS labeled, total_predictions AS predictions
     FROM task WHERE id = $1`,
    [taskId],
  );

describe("saving an annotation", () => {
  it("makes one with its defaults, and later writes only what is given", async () => {
    const place = await aPlace();
    const result = '[{"id": "r", "value": {"n": 12345678901234567890.5}}]';
    const made = defined(await save(place, { resultJson: result, leadTime: 2.5 }));
    expect(made).toMatchObject({ revision: 1, created: true, targetIds: [] });
    expect(made.annotation).toMatchObject({
      taskId: place.taskId,
      wasCancelled: false,
      groundTruth: false,
      leadTime: 2.5,
      updatedById: place.userId,
    });
    expect(made.annotation.uniqueId).toMatch(/^[0-9a-f-]{36}$/);
    const saved = defined(await save(place, { groundTruth: true }, made.annotation.id));
    expect(saved).toMatchObject({ revision: 2, created: false });
    expect(saved.annotation).toMatchObject({ groundTruth: true, leadTime: 2.5 });
    const stored = await test.one<{ result: string }>(
      "SELECT result::text AS result FROM annotation WHERE id = $1",
      [made.annotation.id],
    );
    expect(stored.result).toContain("12345678901234567890.5");
  });

  it("counts labeled and skipped ones, through every change", async () => {
    const place = await aPlace();
    const first = defined(await save(place, { resultJson: "[]" })).annotation;
    const none = { predictions: 0 };
    expect(await countsOf(place.taskId)).toEqual({
      total: 1,
      cancelled: 0,
      labeled: true,
      ...none,
    });
    const skipped = defined(await save(place, { wasCancelled: true })).annotation;
    expect(await countsOf(place.taskId)).toEqual({
      total: 1,
      cancelled: 1,
      labeled: true,
      ...none,
    });
    await save(place, { wasCancelled: true }, first.id);
    expect(await countsOf(place.taskId)).toEqual({
      total: 0,
      cancelled: 2,
      labeled: false,
      ...none,
    });
    await save(place, { wasCancelled: false }, skipped.id);
    expect(await countsOf(place.taskId)).toEqual({
      total: 1,
      cancelled: 1,
      labeled: true,
      ...none,
    });
    const { organizationId, projectId } = place;
    const of = { annotationIds: [first.id, skipped.id] };
    await deleteAnnotations(test.db, { organizationId, projectId, of });
    expect(await countsOf(place.taskId)).toEqual({
      total: 0,
      cancelled: 0,
      labeled: false,
      ...none,
    });
  });

  it("refuses a unique id that exists, and saves nothing over a newer revision", async () => {
    const place = await aPlace();
    const made = defined(await save(place, { uniqueId: `u-${String(place.projectId)}` }));
    await expect(save(place, { uniqueId: `u-${String(place.projectId)}` })).rejects.toMatchObject({
      code: "already_exists",
      reason: "annotation.unique_id",
    });
    await save(place, { leadTime: 1 }, made.annotation.id, 1);
    expect(await save(place, { leadTime: 2 }, made.annotation.id, 1)).toBeUndefined();
    expect(await countsOf(place.taskId)).toMatchObject({ total: 1 });
  });

  it("of another project or organisation saves nothing", async () => {
    const place = await aPlace();
    const other = await aPlace();
    const made = defined(await save(place, {})).annotation;
    expect(await save({ ...other, taskId: place.taskId }, {})).toBeUndefined();
    expect(await save(other, {}, made.id)).toBeUndefined();
    const { organizationId, projectId } = other;
    const of = { annotationIds: [made.id] };
    const deleted = await deleteAnnotations(test.db, { organizationId, projectId, of });
    expect(deleted.deleted).toBe(0);
    const annotations = createAnnotationRepository(test.db);
    expect(await annotations.find(place.organizationId, made.id)).toMatchObject({ revision: 1 });
    expect(await annotations.find(organizationId, made.id)).toBeUndefined();
  });

  it("removes the drafts that it came from and keeps their time", async () => {
    const place = await aPlace();
    const drafts = createDraftRepository(test.db);
    const { organizationId, taskId, userId } = place;
    const draft = (annotationId: number | null, person = userId) =>
      drafts.create(organizationId, { taskId, annotationId, userId: person }, { resultJson: "[]" });
    const mine = defined(await draft(null));
    const others = defined(await draft(null, userId + 1_000_000));
    const made = defined(await save(place, { resultJson: "[]" })).annotation;
    expect(made.draftCreatedAt).toEqual(mine.createdAt);
    expect(await drafts.list(organizationId, { taskIds: [taskId] })).toEqual([others]);
    await draft(made.id);
    await save(place, { leadTime: 1 }, made.id);
    expect(await drafts.list(organizationId, { taskIds: [taskId] })).toEqual([others]);
    expect(await draft(made.id + 1_000_000)).toBeUndefined();
    const changed = await drafts.update(organizationId, others.id, { wasPostponed: true });
    expect(changed).toMatchObject({ wasPostponed: true });
    expect(await drafts.remove(organizationId, others.id)).toBe(true);
    expect(await drafts.find(organizationId, others.id)).toBeUndefined();
  });

  it("wishes a delivery on every target, per annotation or per task", async () => {
    const scene = await ExportScene.make(test);
    const perTask = await addTarget(test, scene.world, { subject: "task" });
    const saved = await scene.save();
    expect([...saved.targetIds].sort()).toEqual([scene.target.id, perTask.id].sort());
    expect(await scene.delivery()).toMatchObject({ subject_id: saved.annotation.id, op: "put" });
    const task = await test.one(
      "SELECT subject_type, subject_id FROM delivery WHERE target_id = $1",
      [perTask.id],
    );
    expect(task).toEqual({ subject_type: "task", subject_id: scene.taskId });
  });

  it("reads people, times and JSON for exports as they are stored", async () => {
    const scene = await ExportScene.make(test);
    const { annotation } = await scene.save();
    const { target, deliveries } = await scene.claim();
    const subjects = await scene.stores.deliveries.readSubjects(target, deliveries);
    expect(subjects.get(annotation.id)).toMatchObject({
      type: "annotation",
      annotation: {
        revision: 1,
        resultJson: "[]",
        completedBy: { id: scene.world.userId, firstName: "", lastName: "" },
      },
      task: { id: scene.taskId, dataJson: '{"n": 1}', totalAnnotations: 1, sourceKey: null },
    });
  });
});

describe("predictions", () => {
  it("are counted on their task and never exported", async () => {
    const scene = await ExportScene.make(test);
    const predictions = createPredictionRepository(test.db);
    const { organizationId, projectId } = scene.world;
    const made = defined(
      await predictions.create(organizationId, scene.taskId, { resultJson: "[]", score: 0.5 }),
    );
    expect(made).toMatchObject({ score: 0.5, mislabeling: 0, modelVersion: null });
    expect(await countsOf(scene.taskId)).toMatchObject({ predictions: 1 });
    const changed = await predictions.update(organizationId, made.id, { modelVersion: "m2" });
    expect(changed).toMatchObject({ modelVersion: "m2", score: 0.5 });
    expect(await predictions.list(organizationId, { projectId, limit: 10 })).toHaveLength(1);
    expect(await predictions.remove(organizationId, made.id)).toBe(true);
    expect(await predictions.remove(organizationId, made.id)).toBe(false);
    expect(await countsOf(scene.taskId)).toMatchObject({ predictions: 0 });
    expect(await scene.deliveries()).toEqual([]);
  });

  it("become annotations once, however often the action runs", async () => {
    const scene = await ExportScene.make(test);
    const { organizationId, projectId, userId } = scene.world;
    const predictions = createPredictionRepository(test.db);
    await predictions.create(organizationId, scene.taskId, { resultJson: "[1]" });
    const action = { organizationId, projectId, taskIds: [scene.taskId], actorId: userId };
    const results = await Promise.all([
      predictionsToAnnotations(test.db, action),
      predictionsToAnnotations(test.db, action),
    ]);
    expect(results.map(({ processed }) => processed).sort()).toEqual([0, 1]);
    expect(await scene.deliveries()).toHaveLength(1);
    expect(await deletePredictionsOfTasks(test.db, action)).toMatchObject({ processed: 1 });
    expect(await countsOf(scene.taskId)).toMatchObject({ total: 1, predictions: 0 });
  });
});

describe("actions on many tasks", () => {
  it("delete annotations, or ground truths alone, with the wishes of targets", async () => {
    const scene = await ExportScene.make(test, { canDeleteObjects: true });
    const { organizationId, projectId } = scene.world;
    const place = { ...scene.world, taskId: scene.taskId };
    const truth = defined(await save(place, { groundTruth: true })).annotation;
    await scene.save();
    const selection = { organizationId, projectId, taskIds: [scene.taskId] };
    expect(await deleteGroundTruths(test.db, selection)).toEqual({
      processed: 1,
      targetIds: [scene.target.id],
    });
    const wishes = await scene.deliveries();
    expect(wishes.map(({ subject_id, op }) => [subject_id, op])).toContainEqual([
      truth.id,
      "delete",
    ]);
    expect(await deleteAnnotationsOfTasks(test.db, selection)).toMatchObject({ processed: 1 });
    expect(await countsOf(scene.taskId)).toMatchObject({ total: 0 });
  });

  it("make one task of equal ones and keep every annotation", async () => {
    const scene = await ExportScene.make(test, { subject: "task", canDeleteObjects: true });
    const { organizationId, projectId } = scene.world;
    const empty = await addTask(test, scene.world);
    const second = await addTask(test, scene.world);
    await scene.save();
    await scene.save(undefined, second);
    await scene.pushAll();
    const taskIds = [scene.taskId, empty, second];
    const result = await removeDuplicates(test.db, { organizationId, projectId, taskIds });
    expect(result).toEqual({ processed: 2, targetIds: [scene.target.id] });
    expect(await countsOf(scene.taskId)).toMatchObject({ total: 2, labeled: true });
    const wishes = await scene.deliveries();
    expect(wishes.map(({ subject_id, op, is_due }) => [subject_id, op, is_due])).toEqual([
      [scene.taskId, "put", true],
      [second, "delete", true],
    ]);
  });
});
