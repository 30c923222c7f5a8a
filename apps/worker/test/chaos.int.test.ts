import { setTimeout as pause } from "node:timers/promises";
import { isFinalState } from "@bucketbridge/contracts";
import { startS3Fake, type S3Fake } from "@bucketbridge/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RunRecord } from "@bucketbridge/db";
import { useWorld, type SourceSeed, type World } from "./harness.ts";
import { WorkerFleet } from "./worker-fleet.ts";

/** `npm run test:chaos` runs the long form; BUCKETBRIDGE_TEST_CHAOS=short is for every push. */
const FORM =
  process.env["BUCKETBRIDGE_TEST_CHAOS"] === "short"
    ? { objects: 5_000, kills: 5, pageSize: 100 }
    : { objects: 50_000, kills: 20, pageSize: 500 };

/** A store that takes its time, so that every kill comes before the end. */
const LATENCY_MS = { list: 300, get: 5 };

const WORKERS = 3;
const BUCKET = "chaos";

/** Short, so that a kill costs seconds; the ratios are those of production. */
const TIMING = {
  lockMs: 6_000,
  stalledIntervalMs: 500,
  engine: { leaseSeconds: 4.5, yieldMs: 1_000, pageSize: FORM.pageSize },
};

/** Between kills: about a lease, so that some come while the last one is not yet noticed. */
const KILL_EVERY_MS = { least: 300, most: 3_000 };

const getWorld = useWorld("worker_chaos");
let world: World;
let s3: S3Fake;
let fleet: WorkerFleet | undefined;

beforeAll(async () => {
  world = getWorld();
  s3 = await startS3Fake({ latencyMs: LATENCY_MS });
});
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});
afterAll(() => s3.close());

async function startFleet(): Promise<WorkerFleet> {
  fleet = new WorkerFleet({ ...world.settings, ...TIMING, logLevel: "error" });
  await fleet.start(WORKERS);
  return fleet;
}

function aSource(over: SourceSeed): SourceSeed {
  const [key] = s3.accessKeys;
  return {
    provider: "s3",
    settings: { bucket: BUCKET, s3_endpoint: s3.endpoint, region_name: s3.region },
    secrets: {
      aws_access_key_id: key?.accessKeyId ?? "",
      aws_secret_access_key: key?.secretAccessKey ?? "",
    },
    ...over,
  };
}

/** Kills until `kills` are spent or the run has ended. Gives the number of kills. */
async function killWhileRunning(
  runId: number,
  kills: number,
  meanwhile: (kill: number) => Promise<void>,
): Promise<number> {
  for (let kill = 1; kill <= kills; kill++) {
    const { least, most } = KILL_EVERY_MS;
    await pause(least + Math.random() * (most - least));
    if (isFinalState((await world.find(runId))?.state ?? "canceled")) return kill - 1;
    await fleet?.killOne();
    await meanwhile(kill);
    await expectNoFinalJobOfActiveRun();
  }
  return kills;
}

/** A job that has ended while its run is active would be a run that nobody works on. */
async function expectNoFinalJobOfActiveRun(): Promise<void> {
  const ended = (await world.jobs()).filter(
    ({ name, state }) => name === "import.run" && (state === "completed" || state === "failed"),
  );
  for (const job of ended) {
    const run = await world.find(job.data.runId);
    expect(isFinalState(run?.state ?? "canceled"), JSON.stringify(job)).toBe(true);
  }
}

/** Invariants 1 to 3 of docs/architecture.md for a source whose bucket does not change any more. */
async function expectEverythingOnce(
  storageId: number,
  rows: number,
  run: RunRecord,
): Promise<void> {
  expect(run).toMatchObject({ state: "completed", failed: 0, pending: 0 });
  expect(await world.countTasks(storageId)).toEqual({ tasks: rows, distinct: rows });
  const [left] = await world.query<Record<string, number>>(`
    SELECT (SELECT count(*)::int FROM source_object WHERE storage_id = ${String(storageId)} AND state <> 'done') AS objects,
           (SELECT count(*)::int FROM issue WHERE storage_id = ${String(storageId)} AND resolved_at IS NULL) AS issues,
           (SELECT count(*)::int FROM run WHERE storage_id = ${String(storageId)} AND finished_at IS NULL) AS runs,
           (SELECT count(*)::int - count(DISTINCT (project_id, inner_id))::int FROM task) AS doubled`);
  expect(left).toEqual({ objects: 0, issues: 0, runs: 0, doubled: 0 });
}

const RUN_TIMEOUT_MS = 20 * 60_000;

describe("workers that are killed at random moments", () => {
  it("make exactly one task per object", async () => {
    for (let n = 0; n < FORM.objects; n++) {
      s3.putObject(BUCKET, `files/${String(n).padStart(6, "0")}.jpg`, "x");
    }
    await startFleet();
    const storageId = await world.addSource(aSource({ prefix: "files" }));
    const { runId } = await world.request(storageId);
    let trigger = 0;
    const kills = await killWhileRunning(runId, FORM.kills, async (kill) => {
      // A trigger that comes while it runs, and a queue that forgets everything.
      if (kill === 2) trigger = (await world.request(storageId)).runId;
      if (kill === 3) await world.wipeQueue();
    });
    const run = await world.waitForEnd(runId, { timeoutMs: RUN_TIMEOUT_MS });
    await expectEverythingAfter(storageId, trigger, run);
    expect(kills).toBe(FORM.kills);
    process.stderr.write(`files: ${String(kills)} kills, ${seconds(run)} s\n`);
  });

  it("make exactly one task per row of each object", async () => {
    const rows = JSON.stringify([{ image: "1.jpg" }, { image: "2.jpg" }]);
    for (let n = 0; n < FORM.objects; n++) {
      s3.putObject(BUCKET, `tasks/${String(n).padStart(6, "0")}.json`, rows);
    }
    await startFleet();
    const storageId = await world.addSource(aSource({ prefix: "tasks", useBlobUrls: false }));
    const { runId } = await world.request(storageId);
    const kills = await killWhileRunning(runId, FORM.kills, async (kill) => {
      if (kill === 3) await world.wipeQueue();
    });
    const run = await world.waitForEnd(runId, { timeoutMs: RUN_TIMEOUT_MS });
    await expectEverythingOnce(storageId, FORM.objects * 2, run);
    expect(kills).toBe(FORM.kills);
    process.stderr.write(`tasks: ${String(kills)} kills, ${seconds(run)} s\n`);
  });
});

async function expectEverythingAfter(
  storageId: number,
  trigger: number,
  run: RunRecord,
): Promise<void> {
  if (trigger !== 0) {
    const last = await world.waitForEnd(trigger, { timeoutMs: RUN_TIMEOUT_MS });
    expect(last).toMatchObject({ state: "completed", created: 0, known: FORM.objects });
  }
  await expectEverythingOnce(storageId, FORM.objects, run);
}

function seconds({ startedAt, finishedAt }: RunRecord): string {
  return (((finishedAt?.getTime() ?? 0) - (startedAt?.getTime() ?? 0)) / 1_000).toFixed(1);
}
