import { startS3Fake, type S3Fake } from "@bucketbridge/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Annotators } from "./annotators.ts";
import { readHistory } from "./bucket-history.ts";
import { ExportProject } from "./export-harness.ts";
import { useWorld, type World } from "./harness.ts";
import { StoreWeather } from "./store-weather.ts";
import { WorkerFleet } from "./worker-fleet.ts";

/** `npm run test:chaos` runs the long form; BUCKETBRIDGE_TEST_CHAOS=short is for every push. */
const FORM =
  process.env["BUCKETBRIDGE_TEST_CHAOS"] === "short"
    ? { annotations: 500, changes: 2_500, kills: 3 }
    : { annotations: 10_000, changes: 50_000, kills: 20 };

const WORKERS = 3;
const PEOPLE = 20;
const BUCKET = "chaos";
const TASKS_AT_ONCE = 1_000;
const LATENCY_MS = { put: 20, delete: 20 };

/** Short, so that a kill costs seconds; the ratios are those of production. */
const TIMING = {
  lockMs: 6_000,
  stalledIntervalMs: 500,
  engine: { leaseSeconds: 4.5 },
  exporting: { leaseSeconds: 4.5, settleSeconds: 8, yieldMs: 1_000 },
};

/** Late, and still sooner than a put of unknown fate settles, whose time begins when its worker hears of it. */
const LATEST_MS = 6_000;

const REST_TIMEOUT_MS = 10 * 60_000;

const getWorld = useWorld("worker_export_chaos");
let world: World;
let s3: S3Fake;
let fleet: WorkerFleet;

beforeAll(async () => {
  world = getWorld();
  s3 = await startS3Fake({ latencyMs: LATENCY_MS, buckets: [BUCKET], describe: noteOf });
  const settings = { ...world.settings, ...TIMING, groups: ["export"] as const };
  fleet = new WorkerFleet({ ...settings, logLevel: "error" });
});
afterEach(() => fleet.stop());
afterAll(() => s3.close());

/** The note in the result of an exported annotation. */
function noteOf(body: Buffer): string {
  const { result } = JSON.parse(body.toString()) as { result: { note: string }[] };
  return result[0]?.note ?? "";
}

function addTarget(project: ExportProject): Promise<number> {
  const [key] = s3.accessKeys;
  return project.addTarget({
    provider: "s3",
    settings: { bucket: BUCKET, s3_endpoint: s3.endpoint, region_name: s3.region },
    secrets: {
      aws_access_key_id: key?.accessKeyId ?? "",
      aws_secret_access_key: key?.secretAccessKey ?? "",
    },
  });
}

async function addTasks(project: ExportProject, count: number): Promise<readonly number[]> {
  const tasks: number[] = [];
  while (tasks.length < count) {
    tasks.push(...(await project.addTasks(Math.min(TASKS_AT_ONCE, count - tasks.length))));
  }
  return tasks;
}

/** kill -9 at random places of the work; in the middle the queue forgets everything. */
async function killMeanwhile(annotators: Annotators): Promise<void> {
  const moments = Array.from({ length: FORM.kills }, () => Math.random() * FORM.changes);
  for (const [index, moment] of moments.toSorted((one, other) => one - other).entries()) {
    await annotators.reached(moment);
    await fleet.killOne();
    if (index === FORM.kills >> 1) await world.wipeQueue();
  }
}

/** Notes by key, of the bucket and of the database. */
async function compare(): Promise<{ missing: number; stale: number; extra: number }> {
  const rows = await world.query<{ id: string; note: string }>(
    "SELECT id::text, result->0->>'note' AS note FROM annotation",
  );
  const wanted = new Map(rows.map(({ id, note }) => [id, note]));
  const found = new Map(
    s3.listKeys(BUCKET).map((key) => [key, noteOf(s3.readObject(BUCKET, key) ?? Buffer.of())]),
  );
  const keys = [...wanted.keys()];
  return {
    missing: keys.filter((key) => !found.has(key)).length,
    stale: keys.filter((key) => found.has(key) && found.get(key) !== wanted.get(key)).length,
    extra: [...found.keys()].filter((key) => !wanted.has(key)).length,
  };
}

describe("a target whose workers are killed and whose store throttles and loses answers", () => {
  it("ends with exactly what the database holds, and no older revision stays over a newer one", async () => {
    await fleet.start(WORKERS);
    const project = await ExportProject.create(world);
    const target = await addTarget(project);
    const annotators = new Annotators(project, await addTasks(project, FORM.annotations));
    await annotators.annotateAll(PEOPLE);
    const revisionOf = (note: string): number => annotators.revisions.get(note) ?? Number.NaN;
    const hotKeys = (): string[] => annotators.hotIds.map(String);
    const weather = new StoreWeather({ s3, hotKeys, revisionOf, latestMs: LATEST_MS });
    const startedMs = performance.now();
    await Promise.all([annotators.work(PEOPLE, FORM.changes), killMeanwhile(annotators)]);
    const savedMs = performance.now();
    await weather.stop();
    await weather.holdLast((key) => annotators.change(Number(key)));
    await project.waitForRest(target, REST_TIMEOUT_MS);
    const restedMs = performance.now();
    const history = readHistory(s3.operations, revisionOf);
    process.stderr.write(
      `exports: ${String(FORM.kills)} kills, ${String(FORM.changes)} changes in ${seconds(savedMs - startedMs)} s, at rest ${seconds(restedMs - savedMs)} s later; ` +
        `${String(history.puts)} puts, ${String(history.deletes)} deletes, ${String(history.lateReturns)} late returns settled; faults ${JSON.stringify(weather.hits)}\n`,
    );
    expect(await compare()).toEqual({ missing: 0, stale: 0, extra: 0 });
    expect(history.returns).toEqual([]);
    // Else nothing was there to settle, and the next line says nothing.
    expect(history.lateReturns).toBeGreaterThan(0);
    expect(history.unsettled).toEqual([]);
  });
});

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
