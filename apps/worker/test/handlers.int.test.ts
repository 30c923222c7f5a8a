import { AppError, silentLogger } from "@bucketbridge/core";
import { Yield, type JobContext } from "@bucketbridge/queue";
import { beforeEach, describe, expect, it } from "vitest";
import type { WorkerDeps } from "../src/deps.ts";
import { createImportLoadHandler } from "../src/handlers/import-load.ts";
import { createImportRunHandler } from "../src/handlers/import-run.ts";
import { useWorld, type World } from "./harness.ts";

const getWorld = useWorld("worker_handlers");
let world: World;
let deps: WorkerDeps;
let buckets = 0;
let bucket = "";

beforeEach(async () => {
  world = getWorld();
  buckets++;
  bucket = `bucket-${String(buckets)}`;
  // Without queues: the handlers are called by hand.
  ({ deps } = await world.startWorker({ groups: [] }));
});

function aContext(signal = new AbortController().signal): JobContext {
  return {
    signal,
    attempt: 1,
    place: 2,
    previous: undefined,
    log: silentLogger,
    progress: () => undefined,
    jobLog: () => undefined,
  };
}

function payloadOf(runId: number) {
  return { v: 1, organizationId: world.tenant.organizationId, runId, label: "" } as const;
}

/** Calls the handler until the job would end. */
async function runToEnd(runId: number): Promise<unknown> {
  const handler = createImportRunHandler(deps);
  for (;;) {
    const result = await handler(payloadOf(runId), aContext());
    if (!(result instanceof Yield)) return result;
  }
}

describe("the handlers", () => {
  it("may run a run twice at once and again afterwards", async () => {
    for (let n = 0; n < 1_500; n++) {
      world.buckets.bucket(bucket).write(`${String(n).padStart(5, "0")}.jpg`, Buffer.from("x"));
    }
    const storageId = await world.addSource({ bucket });
    const { runId } = await world.request(storageId, { isRung: false });
    const results = await Promise.all([runToEnd(runId), runToEnd(runId)]);
    const counts = { state: "completed", created: 1_500, tasks: 1_500 };
    for (const result of [...results, await runToEnd(runId)]) expect(result).toMatchObject(counts);
    expect(await world.countTasks(storageId)).toEqual({ tasks: 1_500, distinct: 1_500 });
  });

  it("may run a load slot twice at once, beside the run and after its end", async () => {
    for (let n = 0; n < 200; n++) {
      const key = `${String(n).padStart(5, "0")}.json`;
      world.buckets.bucket(bucket).write(key, Buffer.from('[{"image":"1"},{"image":"2"}]'));
    }
    const storageId = await world.addSource({ bucket, useBlobUrls: false });
    const { runId } = await world.request(storageId, { isRung: false });
    const load = createImportLoadHandler(deps);
    const slot = { ...payloadOf(runId), slot: 1 };
    const loads = [load(slot, aContext()), load(slot, aContext())];
    await Promise.all([runToEnd(runId), ...loads]);
    expect(await load(slot, aContext())).toEqual({ objects: 0, rows: 0 });
    expect(await world.find(runId)).toMatchObject({ state: "completed", tasks: 400 });
    expect(await world.countTasks(storageId)).toEqual({ tasks: 400, distinct: 400 });
  });

  it("give everything back when the process shuts down", async () => {
    for (let n = 0; n < 50; n++) {
      world.buckets.bucket(bucket).write(`${String(n)}.json`, Buffer.from('{"image":"1"}'));
    }
    const stop = new AbortController();
    world.buckets.plan(bucket, {
      before: ({ method }) => {
        if (method !== "read") return;
        stop.abort(new AppError({ code: "canceled", message: "the worker shuts down" }));
      },
    });
    const storageId = await world.addSource({ bucket, useBlobUrls: false });
    const { runId } = await world.request(storageId, { isRung: false });
    const handler = createImportRunHandler(deps);
    const ended = handler(payloadOf(runId), aContext(stop.signal));
    await expect(ended).rejects.toMatchObject({ code: "canceled" });
    const [held] = await world.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM source_object WHERE storage_id = ${String(storageId)}
       AND (lease_owner IS NOT NULL OR attempts > 0)`,
    );
    expect(held?.count).toBe(0);
    world.buckets.plan(bucket, {});
    expect(await runToEnd(runId)).toMatchObject({ state: "completed", tasks: 50 });
  });

  it("end a run that is gone", async () => {
    const gone = { state: "canceled", created: 0, known: 0, failed: 0, tasks: 0, seconds: 0 };
    expect(await runToEnd(999_999)).toEqual(gone);
    const slot = { ...payloadOf(999_999), slot: 1 };
    expect(await createImportLoadHandler(deps)(slot, aContext())).toEqual({ objects: 0, rows: 0 });
  });

  it("see nothing of another organisation's run", async () => {
    const tenant = await world.addTenant("Other");
    const storageId = await world.addSource({ bucket, tenant });
    const { runId } = await world.request(storageId, { tenant, isRung: false });
    // The job names our organisation and their run.
    expect(await runToEnd(runId)).toMatchObject({ state: "canceled" });
    expect((await world.find(runId, tenant))?.state).not.toBe("canceled");
  });
});
