import { waitFor } from "@bucketbridge/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { useWorld, type JobView, type World } from "./harness.ts";

const getWorld = useWorld("worker_job_board");
let world: World;
let buckets = 0;
let bucket = "";

beforeEach(async () => {
  world = getWorld();
  buckets++;
  bucket = `bucket-${String(buckets)}`;
  await world.wipeQueue();
});

async function jobOf(runId: number, state: string): Promise<JobView> {
  return waitFor(
    async () =>
      (await world.jobs()).find(
        (job) => job.name === "import.run" && job.data.runId === runId && job.state === state,
      ),
    { timeoutMs: 25_000, what: `the job of run ${String(runId)} to be ${state}` },
  );
}

describe("the job of a run", () => {
  it("ends with the counts, after telling its phases", async () => {
    for (let n = 0; n < 300; n++) {
      const key = `${String(n).padStart(5, "0")}.json`;
      world.buckets.bucket(bucket).write(key, Buffer.from('{"image":"a.jpg"}'));
    }
    const storageId = await world.addSource({ bucket, useBlobUrls: false });
    await world.startWorker();
    const { runId } = await world.request(storageId);
    const job = await jobOf(runId, "completed");
    expect(job.result).toMatchObject({
      state: "completed",
      created: 300,
      tasks: 300,
      failed: 0,
    });
    expect(job.progress).toMatchObject({ phase: "final", listed: 300, pending: 0, tasks: 300 });
    const lines = job.logs.map((line) => line.replace(/^\S+ /, ""));
    expect(lines[0]).toBe(`run: /api/v1/runs/${String(runId)}`);
    expect(lines.at(-1)).toMatch(/^completed: 300 listed, 300 new, 0 known, 300 tasks/);
  });

  it("fails with code and text when the run fails", async () => {
    world.buckets.plan(bucket, {
      before: () =>
        Promise.reject(world.fault({ code: "permission_denied", detail: "no ListBucket" })),
    });
    const storageId = await world.addSource({ bucket });
    await world.startWorker();
    const { runId } = await world.request(storageId);
    const job = await jobOf(runId, "failed");
    const run = await world.find(runId);
    expect(run).toMatchObject({ state: "failed", errorCode: "permission_denied" });
    expect(job.failedReason).toBe(`permission_denied: ${run?.errorMessage ?? ""}`);
  });

  it("takes turns with the jobs of other runs, in one row each", async () => {
    const pages: string[] = [];
    const names = [1, 2, 3].map((n) => `${bucket}-${String(n)}`);
    const runs: number[] = [];
    for (const name of names) {
      fillSlowly(name, pages);
      runs.push((await world.request(await world.addSource({ bucket: name }))).runId);
    }
    await world.startWorker(ONE_PAGE_TURNS);
    for (const runId of runs) await jobOf(runId, "completed");
    expect((await world.jobs()).filter((job) => job.name === "import.run")).toHaveLength(3);
    for (const name of names) expect(longestStreak(pages, name)).toBeLessThanOrEqual(2);
  });

  it("does not let an organisation with many runs push another one aside", async () => {
    const pages: string[] = [];
    for (const name of [1, 2, 3].map((n) => `${bucket}-${String(n)}`)) {
      fillSlowly(name, pages);
      await world.request(await world.addSource({ bucket: name }));
    }
    const tenant = await world.addTenant("Other");
    const other = `${bucket}-other`;
    fillSlowly(other, pages);
    const storageId = await world.addSource({ bucket: other, tenant });
    const { runId } = await world.request(storageId, { tenant });
    await world.startWorker(ONE_PAGE_TURNS);
    await world.waitForEnd(runId, { tenant });
    const own = pages.filter((name) => name === other).length;
    // While it worked, it had about as many turns as the three others together, not a quarter of all.
    expect(pages.length - own).toBeLessThanOrEqual(own * 1.5);
  });
});

/** A worker whose turns end after one page, with one job at a time. */
const ONE_PAGE_TURNS = { concurrency: 1, engine: { yieldMs: 15, pageSize: 100 } };

/** Far longer than a turn, and than a busy machine takes to store a page: turns then end after one page, whatever runs beside. */
const PAGE_MS = 100;

/** A bucket of six pages. */
function fillSlowly(name: string, pages: string[]): void {
  for (let n = 0; n < 600; n++) {
    world.buckets.bucket(name).write(`${String(n).padStart(5, "0")}.jpg`, Buffer.from("x"));
  }
  world.buckets.plan(name, {
    before: async ({ ctx }) => {
      await world.pause(PAGE_MS, ctx.signal);
      pages.push(name);
    },
  });
}

function longestStreak(pages: readonly string[], name: string): number {
  let [longest, streak] = [0, 0];
  for (const page of pages) {
    streak = page === name ? streak + 1 : 0;
    longest = Math.max(longest, streak);
  }
  return longest;
}

describe("the health port", () => {
  it("answers probes, metrics and the scaler", async () => {
    const worker = await world.startWorker({ groups: ["import", "export"] });
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${String(worker.healthPort)}${path}`);
      return { status: response.status, text: await response.text() };
    };
    expect((await get("/livez")).status).toBe(200);
    expect((await get("/readyz")).status).toBe(200);
    expect(JSON.parse((await get("/version")).text)).toMatchObject({ version: "0.0.0-test" });
    expect(JSON.parse((await get("/scale")).text)).toMatchObject({ export: 0 });
    const { text } = await get("/metrics");
    expect(text).toMatch(/bucketbridge_jobs\{queue="import",state="waiting"\} \d/);
    expect(text).toMatch(/bucketbridge_workers_wanted\{group="import"\} \d/);
    expect(text).toContain("nodejs_eventloop_lag_p99_seconds");
  });
});
