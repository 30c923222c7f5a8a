import { createStorageRepository } from "@bucketbridge/db";
import { expect, it } from "vitest";
import { ExportProject } from "./export-harness.ts";
import { useWorld } from "./harness.ts";

const getWorld = useWorld("worker_moved_target");

it("deletes at the place that a target has left and puts at the new one, also when the task is annotated again meanwhile", async () => {
  const world = getWorld();
  const project = await ExportProject.create(world);
  const { organizationId } = project.tenant;
  const bucket = "moved";
  const target = await project.addTarget({ bucket, prefix: "old", subject: "task" });
  const [taskId = 0] = await project.addTasks(1);
  const annotation = await project.save({ taskId }, { isRung: false });
  const first = await world.startWorker({ groups: ["export"] });
  await project.ring([target]);
  await project.waitForRest(target);
  await first.stop();

  await project.remove(annotation.id);
  const storages = createStorageRepository(world.database);
  const saved = await storages.find(organizationId, target, { direction: "target" });
  await storages.update(organizationId, target, {
    fields: { prefix: "new" },
    secrets: undefined,
    settingsVersion: saved?.settingsVersion ?? 0,
    effect: "move",
  });
  const { deps } = await world.startWorker({ groups: ["export"] });
  const { deliveries } = deps.exporting;
  // Read on its own, as a claim of large subjects is: there is a moment between the two then.
  const claim = deliveries.claim.bind(deliveries);
  deliveries.claim = (ref, owner, count, options) =>
    claim(ref, owner, count, { ...options, readUpToBytes: 0 });
  const readSubjects = deliveries.readSubjects.bind(deliveries);
  let annotatedAgain = 0;
  deliveries.readSubjects = async (place, claimed) => {
    if (place.isRetired && annotatedAgain === 0) {
      annotatedAgain = (await project.save({ taskId }, { isRung: false })).id;
    }
    return readSubjects(place, claimed);
  };
  await project.ring([target]);
  await project.waitForRest(target);
  expect(annotatedAgain).toBeGreaterThan(0);
  const request = { prefix: "", recursive: true, limit: 100 };
  const { signal } = new AbortController();
  const { keys } = await world.buckets.bucket(bucket).listPage(request, { signal });
  expect(keys).toEqual([`new/${String(taskId)}`]);
});
