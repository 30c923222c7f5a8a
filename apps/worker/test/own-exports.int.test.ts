import { expect, it } from "vitest";
import { ExportProject } from "./export-harness.ts";
import { useWorld, type World } from "./harness.ts";

const getWorld = useWorld("worker_own_exports");
let buckets = 0;

interface Scene {
  readonly world: World;
  readonly project: ExportProject;
  readonly bucket: string;
}

/** A bucket with two pictures, and workers. */
async function aScene(): Promise<Scene> {
  const world = getWorld();
  const project = await ExportProject.create(world);
  buckets++;
  const bucket = `shared-${String(buckets)}`;
  for (const key of ["a.jpg", "z.jpg"])
    world.buckets.bucket(bucket).write(key, Buffer.from("picture"));
  await world.startWorker({ groups: ["import", "export"], exporting: { settleSeconds: 1 } });
  return { world, project, bucket };
}

async function sync({ world, project }: Scene, source: number) {
  const { tenant } = project;
  const { runId } = await world.request(source, { tenant });
  return world.waitForEnd(runId, { tenant });
}

it.each(["files", "tasks"])(
  "a scan (%s) does not take what targets of the organisation wrote for task data",
  async (method) => {
    const scene = await aScene();
    const { world, project, bucket } = scene;
    for (const key of ["a.jpg", "z.jpg"])
      if (method === "tasks")
        world.buckets.bucket(bucket).write(key.replace("jpg", "json"), Buffer.from('{"n":1}'));
    const target = await project.addTarget({ bucket, prefix: "out", jsonExtension: true });
    const beside = await project.addTarget({ bucket: `${bucket}-other` });
    await project.saveMany(3);
    for (const id of [target, beside]) await project.waitForRest(id);
    world.buckets.bucket(bucket).write("out/theirs.json", Buffer.from('{"n":2}'));
    const { tenant } = project;
    const source = await world.addSource({
      ...{ bucket, tenant, useBlobUrls: method === "files" },
      regexFilter: method === "files" ? null : ".*json",
    });
    const run = await sync(scene, source);
    expect(run).toMatchObject({ state: "completed", overlappingTargets: [target] });
    expect(await world.countTasks(source)).toMatchObject({ tasks: 3 });
    expect(run.created).toBe(3);
    // Three exports, and the two pictures that the filter of the other method drops.
    expect(run.skipped).toBe(method === "files" ? 3 : 5);
  },
);

it("a scan beside all targets is not compared, and says nothing", async () => {
  const scene = await aScene();
  const { world, project, bucket } = scene;
  const target = await project.addTarget({ bucket, prefix: "out" });
  await project.saveMany(1);
  await project.waitForRest(target);
  world.buckets.bucket(bucket).write("in/1.jpg", Buffer.from("picture"));
  const { tenant } = project;
  const source = await world.addSource({ bucket, tenant, prefix: "in" });
  const run = await sync(scene, source);
  expect(run).toMatchObject({ state: "completed", created: 1, overlappingTargets: [] });
});

it("a scan takes what a target of another organisation wrote", async () => {
  const scene = await aScene();
  const { world, project, bucket } = scene;
  const other = await ExportProject.create(world);
  const theirs = await other.addTarget({ bucket, prefix: "out" });
  await other.saveMany(2);
  await other.waitForRest(theirs);
  const source = await world.addSource({ bucket, tenant: project.tenant });
  expect(await sync(scene, source)).toMatchObject({ created: 4, overlappingTargets: [] });
});
