import { createExportStores } from "@bucketbridge/db";
import { startS3Fake, waitFor, type S3Fake } from "@bucketbridge/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ExportProject } from "./export-harness.ts";
import { useWorld, type TestWorker, type World } from "./harness.ts";

const getWorld = useWorld("worker_export");
let world: World;
let project: ExportProject;
let buckets = 0;
let bucket = "";

beforeEach(async () => {
  world = getWorld();
  project = await ExportProject.create(world);
  buckets++;
  bucket = `out-${String(buckets)}`;
});

/** A worker of the export group whose puts of unknown fate settle soon. */
function startExports(
  exporting: TestWorker["deps"]["settings"]["exporting"] = {},
): Promise<TestWorker> {
  return world.startWorker({ groups: ["export"], exporting: { settleSeconds: 2, ...exporting } });
}

/** What a bucket in memory was told, in the order in which it took effect. */
function watchBucket(name: string): { readonly key: string; readonly note: string }[] {
  const applied: { key: string; note: string }[] = [];
  const memory = world.buckets.bucket(name);
  const put = memory.put.bind(memory);
  memory.put = async (request, ctx) => {
    const info = await put(request, ctx);
    applied.push({ key: request.key, note: noteOf(Buffer.from(request.body)) });
    return info;
  };
  return applied;
}

function noteOf(body: Buffer | undefined): string {
  if (body === undefined) return "absent";
  const { result } = JSON.parse(body.toString()) as { result: { note: string }[] };
  return result[0]?.note ?? "";
}

async function keysOf(name: string): Promise<readonly string[]> {
  const request = { prefix: "", recursive: true, limit: 10_000 };
  const ctx = { signal: new AbortController().signal };
  return (await world.buckets.bucket(name).listPage(request, ctx)).keys;
}

describe("a saved annotation", () => {
  it("lies in every target of the project soon after, under its id", async () => {
    const other = `${bucket}-other`;
    await startExports();
    const targets = [
      await project.addTarget({ bucket }),
      await project.addTarget({ bucket: other, prefix: "a//b", jsonExtension: true }),
    ];
    const [saved] = await project.saveMany(1);
    for (const target of targets) await project.waitForRest(target);
    expect(await keysOf(bucket)).toEqual([String(saved?.id)]);
    expect(await keysOf(other)).toEqual([`a/b/${String(saved?.id)}.json`]);
  });

  it("lies there although its ring got lost", async () => {
    await startExports();
    const target = await project.addTarget({ bucket });
    const [saved] = await project.saveMany(1, false);
    await project.waitForRest(target);
    expect(await keysOf(bucket)).toEqual([String(saved?.id)]);
  });

  it("ends at the newest revision for ten savers at once and a slow store, and never goes back", async () => {
    const applied = watchBucket(bucket);
    world.buckets.plan(bucket, { before: ({ ctx }) => world.pause(60, ctx.signal) });
    const target = await project.addTarget({ bucket });
    await Promise.all([startExports(), startExports()]);
    const [first] = await project.saveMany(1);
    const annotationId = first?.id ?? 0;
    let last = { revision: 0, note: "" };
    const savers = Array.from({ length: 10 }, async (_, saver) => {
      for (let n = 0; n < 5; n++) {
        const note = `${String(saver)}-${String(n)}`;
        const { revision } = await project.save({ annotationId }, { note });
        revisions.set(note, revision);
        if (revision > last.revision) last = { revision, note };
      }
    });
    const revisions = new Map([["", 1]]);
    await Promise.all(savers);
    await project.waitForRest(target);
    expect(last.revision).toBe(51);
    expect(applied.at(-1)?.note).toBe(last.note);
    const order = applied.map(({ note }) => revisions.get(note) ?? -1);
    expect(order).toEqual([...order].sort((one, other) => one - other));
    // Many saves became one put.
    expect(applied.length).toBeLessThan(51);
  });

  it("is gone from the bucket when it was deleted while its put ran", async () => {
    const applied = watchBucket(bucket);
    const gate = Promise.withResolvers<undefined>();
    const putting = Promise.withResolvers<undefined>();
    world.buckets.plan(bucket, {
      before: async ({ method }) => {
        if (method !== "put") return;
        putting.resolve(undefined);
        await gate.promise;
      },
    });
    await startExports();
    const target = await project.addTarget({ bucket });
    const [saved] = await project.saveMany(1);
    await putting.promise;
    await project.remove(saved?.id ?? 0);
    gate.resolve(undefined);
    await project.waitForRest(target);
    expect(applied).toHaveLength(1);
    expect(await keysOf(bucket)).toEqual([]);
  });

  it("stays in a target that may not delete when it is deleted", async () => {
    await startExports();
    const target = await project.addTarget({ bucket, canDeleteObjects: false });
    const [saved] = await project.saveMany(1);
    await project.waitForRest(target);
    await project.remove(saved?.id ?? 0);
    await project.waitForRest(target);
    expect(await keysOf(bucket)).toEqual([String(saved?.id)]);
  });
});

describe("a worker that dies", () => {
  /** Another worker claims everything of a target and is never heard of again. */
  async function claimAndDie(targetId: number, putsFirst: boolean): Promise<void> {
    const { deliveries } = createExportStores(world.database, { leaseSeconds: 1 });
    const ref = { organizationId: project.tenant.organizationId, targetId };
    const claim = await deliveries.claim(ref, "dead", 10);
    if (!putsFirst || claim === undefined) return;
    for (const delivery of claim.deliveries) {
      const objectKey = String(delivery.subjectId);
      await deliveries.intend(claim.target, [{ delivery, objectKey }]);
      const body = Buffer.from('{"result":[{"note":"of the dead"}]}');
      world.buckets.bucket(bucket).write(objectKey, body);
    }
  }

  it.each([false, true])("is followed by another one (after its put: %s)", async (putsFirst) => {
    const applied = watchBucket(bucket);
    const target = await project.addTarget({ bucket });
    const [saved] = await project.saveMany(1, false);
    await claimAndDie(target, putsFirst);
    const { id } = await project.save({ annotationId: saved?.id ?? 0 }, { note: "newest" });
    await startExports();
    await project.waitForRest(target);
    // Nobody knows what the dead one has put: the newest goes out once more when that cannot land any more.
    expect(applied).toEqual(Array(2).fill({ key: String(id), note: "newest" }));
  });

  it("gives back what it has not begun when it is stopped, and the next one converges", async () => {
    const target = await project.addTarget({ bucket });
    await project.saveMany(20, false);
    const putting = Promise.withResolvers<undefined>();
    world.buckets.plan(bucket, {
      before: async ({ method, ctx }) => {
        if (method !== "put") return;
        putting.resolve(undefined);
        await world.pause(60_000, ctx.signal);
      },
    });
    const worker = await startExports({ parallelPuts: 2 });
    await project.ring([target]);
    await putting.promise;
    expect(await worker.stop()).toBe(true);
    const [held] = await world.query<{ held: number; touched: number }>(
      `SELECT count(*) FILTER (WHERE lease_owner IS NOT NULL)::int AS held,
         count(*) FILTER (WHERE last_error_code IS NOT NULL)::int AS touched
       FROM delivery WHERE target_id = ${String(target)}`,
    );
    expect(held?.held).toBe(0);
    expect(held?.touched).toBeLessThanOrEqual(2);
    world.buckets.plan(bucket, {});
    await startExports();
    await project.waitForRest(target);
    expect(await keysOf(bucket)).toHaveLength(20);
  });
});

describe("a target that is down", () => {
  it("gets probes instead of thousands of puts, and everything once it is back", async () => {
    let isDown = true;
    let refused = 0;
    world.buckets.plan(bucket, {
      before: () => {
        if (!isDown) return;
        refused++;
        throw world.fault({ code: "unavailable" });
      },
    });
    await startExports({ parallelPuts: 4 });
    const target = await project.addTarget({ bucket });
    await project.saveMany(60);
    const breaker = await waitFor(
      async () => {
        const [row] = await world.query<{ failures: number; code: string | null }>(
          `SELECT breaker_failures AS failures, breaker_error_code AS code FROM storage WHERE id = ${String(target)}`,
        );
        return (row?.failures ?? 0) >= 2 ? row : undefined;
      },
      { timeoutMs: 15_000, what: "a probe to fail" },
    );
    expect(breaker.code).toBe("unavailable");
    expect(refused).toBeLessThanOrEqual(12);
    isDown = false;
    await project.waitForRest(target, 30_000);
    expect(await keysOf(bucket)).toHaveLength(60);
  }, 60_000);

  it("ends its sync as failed, and the deliveries go out later all the same", async () => {
    let isDown = true;
    world.buckets.plan(bucket, {
      before: () => {
        if (isDown) throw world.fault({ code: "permission_denied", detail: "PutObject is denied" });
      },
    });
    await project.saveMany(10, false);
    const target = await project.addTarget({ bucket });
    await startExports({ outageSeconds: 1 });
    const runId = await project.sync(target);
    const run = await world.waitForEnd(runId, { tenant: project.tenant });
    expect(run).toMatchObject({ state: "failed", errorCode: "permission_denied" });
    const job = await waitFor(
      async () =>
        (await world.jobs("export")).find(
          ({ data, state }) => data.runId === runId && state === "failed",
        ),
      { timeoutMs: 5_000, what: "the job to fail" },
    );
    expect(job.failedReason).toMatch(/^permission_denied: .*memory:\/\/out/);
    isDown = false;
    await project.waitForRest(target, 30_000);
    expect(await keysOf(bucket)).toHaveLength(10);
  }, 60_000);
});

describe("a sync of all", () => {
  it("writes everything, shows it on its job, and leaves no bell behind", async () => {
    await project.saveMany(120, false);
    const target = await project.addTarget({ bucket });
    await startExports({ markChunk: 50 });
    const runId = await project.sync(target);
    const run = await world.waitForEnd(runId, { tenant: project.tenant });
    expect(run).toMatchObject({ state: "completed", listed: 120, created: 120, failed: 0 });
    expect(await keysOf(bucket)).toHaveLength(120);
    const job = await waitFor(
      async () => {
        const jobs = await world.jobs("export");
        return jobs.find(({ data, state }) => data.runId === runId && state === "completed");
      },
      { timeoutMs: 5_000, what: "the job to end" },
    );
    const bells = async (): Promise<number> =>
      (await world.jobs("export")).filter(({ name }) => name === "export.push").length;
    await waitFor(async () => (await bells()) === 0, { timeoutMs: 5_000, what: "no bell" });
    expect(job.result).toMatchObject({ state: "completed", total: 120, settled: 120, failed: 0 });
    // The sweep may have rung first, and it knows the target's own title.
    expect(job.data.label).toMatch(/^export · memory out(-\d+)? · run 1$/);
    expect(job.progress).toMatchObject({ phase: "final", total: 120, settled: 120, pending: 0 });
    expect(job.logs.join("\n")).toMatch(/ended: 120 of 120 settled, 0 failing/);
  });

  it("is completed only when all of it was written; a retry takes what is left", async () => {
    const saved = await project.saveMany(5, false);
    const broken = String(saved[2]?.id);
    let isBroken = true;
    world.buckets.plan(bucket, {
      before: ({ subject }) => {
        if (isBroken && subject === broken)
          throw world.fault({ code: "invalid_input", retryAfterMs: 1 });
      },
    });
    const target = await project.addTarget({ bucket });
    await startExports();
    const { tenant } = project;
    const run = await world.waitForEnd(await project.sync(target), { tenant });
    expect(run).toMatchObject({ state: "completed_with_errors", created: 4, failed: 1 });
    isBroken = false;
    const retry = await world.waitForEnd(await project.sync(target, "retry"), { tenant });
    expect(retry).toMatchObject({ state: "completed", failed: 0 });
    expect(await keysOf(bucket)).toHaveLength(5);
  });

  it("is rung anew by the sweep when the queue has forgotten it", async () => {
    await project.saveMany(10, false);
    const target = await project.addTarget({ bucket });
    const runId = await project.sync(target);
    await world.wipeQueue();
    await startExports();
    const run = await world.waitForEnd(runId, { tenant: project.tenant });
    expect(run).toMatchObject({ state: "completed", created: 10 });
  });
});

describe("S3", () => {
  let s3: S3Fake;

  beforeAll(async () => {
    s3 = await startS3Fake({ buckets: ["out"] });
  });
  afterAll(() => s3.close());

  function addTarget(prefix: string): Promise<number> {
    const [key] = s3.accessKeys;
    return project.addTarget({
      provider: "s3",
      prefix,
      settings: { bucket: "out", s3_endpoint: s3.endpoint, region_name: s3.region },
      secrets: {
        aws_access_key_id: key?.accessKeyId ?? "",
        aws_secret_access_key: key?.secretAccessKey ?? "",
      },
    });
  }

  function opsOf(key: string): readonly string[] {
    return s3.operations.filter((op) => op.key === key).map(({ kind }) => kind);
  }

  it("holds the newest again after a put without an answer was applied late, over the winner", async () => {
    await startExports({ settleSeconds: 3 });
    const target = await addTarget("late");
    const late = s3.inject({ kind: "late_apply", on: "put", key: /^late\// });
    const [saved] = await project.saveMany(1);
    const key = `late/${String(saved?.id)}`;
    await waitFor(() => opsOf(key).length > 0, { timeoutMs: 5_000, what: "the second put" });
    await project.save({ annotationId: saved?.id ?? 0 }, { note: "newest" });
    await waitFor(() => noteOf(s3.readObject("out", key)) === "newest", { timeoutMs: 5_000 });
    late.release();
    expect(noteOf(s3.readObject("out", key))).toBe("");
    await project.waitForRest(target);
    expect(noteOf(s3.readObject("out", key))).toBe("newest");
  });

  it("is put once more when it was written although no answer came", async () => {
    await startExports({ settleSeconds: 1 });
    const target = await addTarget("silent");
    s3.inject({ kind: "applied_reset", on: "put", key: /^silent\// });
    const [saved] = await project.saveMany(1);
    await project.waitForRest(target);
    expect(opsOf(`silent/${String(saved?.id)}`).length).toBeGreaterThanOrEqual(2);
  });

  it("waits as long as a throttled store asks for, and tries once meanwhile", async () => {
    await startExports();
    const target = await addTarget("slow");
    const headers = { "retry-after": "2" };
    const fault = { kind: "error", status: 503, code: "SlowDown", headers } as const;
    s3.inject({ ...fault, on: "put", key: /^slow\// });
    const before = s3.counters.put;
    const startedAt = performance.now();
    await project.saveMany(1);
    await project.waitForRest(target);
    expect(performance.now() - startedAt).toBeGreaterThan(1_900);
    expect(s3.counters.put - before).toBe(2);
  });

  it("loses its objects only where the target may delete", async () => {
    await startExports();
    const target = await addTarget("gone");
    const [saved] = await project.saveMany(1);
    await project.waitForRest(target);
    await project.remove(saved?.id ?? 0);
    await project.waitForRest(target);
    expect(opsOf(`gone/${String(saved?.id)}`)).toEqual(["put", "delete"]);
  });
});

it("tells operators how pushes go", async () => {
  const worker = await startExports();
  const target = await project.addTarget({ bucket });
  await project.saveMany(3);
  await project.waitForRest(target);
  const response = await fetch(`http://127.0.0.1:${String(worker.healthPort)}/metrics`);
  const text = await response.text();
  expect(text).toMatch(/bucketbridge_deliveries_total\{outcome="delivered"\} 3/);
  expect(text).toMatch(/bucketbridge_delivery_lag_seconds_count 3/);
  expect(text).toMatch(/bucketbridge_deliveries_due \d+/);
});
