import { waitFor } from "@bucketbridge/testkit";
import { expect, it } from "vitest";
import { ExportProject } from "./export-harness.ts";
import { useWorld, type World } from "./harness.ts";

const getWorld = useWorld("worker_export_large");

/** Saves that are timed while nothing else happens. */
const BASELINE = 200;
/** A save may wait for one chunk of marking at most; the factor is for machines that do other work too. */
const MAX_SLOWDOWN = 5;
const SLACK_MS = 200;

const ANNOTATIONS = Number(process.env["BUCKETBRIDGE_TEST_ANNOTATIONS"] ?? "100000");

/** Tasks with one annotation each, past the API: nobody would wait for a hundred thousand requests. */
async function fill(world: World, project: ExportProject, count: number): Promise<void> {
  const { organizationId, projectId } = project.tenant;
  const ids = `${String(organizationId)}, ${String(projectId)}`;
  await world.query(
    `WITH t AS (
       INSERT INTO task (organization_id, project_id, inner_id, data, total_annotations)
       SELECT ${ids}, 1000000 + n, '{"image":"a.jpg"}', 1 FROM generate_series(1, ${String(count)}) n RETURNING id)
     INSERT INTO annotation (organization_id, project_id, task_id, result)
     SELECT ${ids}, t.id, '[{"note":"first"}]' FROM t; ANALYZE task, annotation`,
  );
}

/** Milliseconds of each save. */
async function timeSaves(
  project: ExportProject,
  annotationIds: readonly number[],
  mayGoOn: () => boolean,
): Promise<number[]> {
  const times: number[] = [];
  for (const annotationId of annotationIds) {
    if (!mayGoOn()) break;
    const startedAt = performance.now();
    await project.save({ annotationId }, { note: "newest" });
    times.push(performance.now() - startedAt);
  }
  return times;
}

function p95(times: readonly number[]): number {
  return [...times].sort((one, other) => one - other)[Math.floor(times.length * 0.95)] ?? 0;
}

it("a full export of a large project starts while people annotate: no save waits for it", async () => {
  const world = getWorld();
  const project = await ExportProject.create(world);
  const target = await project.addTarget();
  const saved = await project.saveMany(50);
  await fill(world, project, ANNOTATIONS);
  const ids = Array.from({ length: 400 }, () => saved.map(({ id }) => id)).flat();
  const before = await timeSaves(project, ids.slice(0, BASELINE), () => true);

  await world.startWorker({ groups: ["export"] });
  const runId = await project.sync(target);
  let isMarking = true;
  const marked = waitFor(
    async () => {
      const [run] = await world.query<{ done: boolean; marked: number }>(
        `SELECT marking_done AS done, marked::int FROM run WHERE id = ${String(runId)}`,
      );
      return run?.done === true ? run.marked : undefined;
    },
    { timeoutMs: 600_000, what: "everything to be marked" },
  ).finally(() => {
    isMarking = false;
  });
  const beside = await timeSaves(project, ids, () => isMarking);
  expect(await marked).toBe(ANNOTATIONS + 50);

  const figures = `p95 of a save: ${p95(before).toFixed(1)} ms before, ${p95(beside).toFixed(1)} ms beside (${String(beside.length)} saves)`;
  process.stderr.write(`marking ${String(ANNOTATIONS)} annotations: ${figures}\n`);
  expect(beside.length, figures).toBeGreaterThan(10);
  expect(p95(beside), figures).toBeLessThan(p95(before) * MAX_SLOWDOWN + SLACK_MS);
}, 900_000);
