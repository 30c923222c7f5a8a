import { AppError } from "@bucketbridge/core";
import { faults, InjectedFault, MemoryDriver, withFaults } from "@bucketbridge/storage/memory";
import type { StorageDriver } from "@bucketbridge/storage";
import { describe, expect, it } from "vitest";
import { loadSlot } from "./load-slot.ts";
import type { ClaimedObject, LoadBatch, LoadFailure, LoadStore, RunRef } from "./ports.ts";
import { anEngine, aRun, aSource, FakeRuns } from "./testing/fake-ports.ts";

const ctx = { signal: new AbortController().signal };
const NEVER = Number.POSITIVE_INFINITY;
const RUN = aRun({ source: aSource({ useBlobUrls: false }) });

/** Hands out the objects of a list once and keeps what becomes of them. */
class FakeLoads implements LoadStore {
  readonly batches: LoadBatch[] = [];
  readonly failures: LoadFailure[] = [];
  readonly forgotten: string[] = [];
  readonly released: string[] = [];
  isLeaseLost = false;
  #waiting: readonly ClaimedObject[];

  constructor(objects: readonly ClaimedObject[]) {
    this.#waiting = objects;
  }

  claim(): Promise<readonly ClaimedObject[]> {
    const claimed = this.#waiting;
    this.#waiting = [];
    return Promise.resolve(claimed);
  }

  renew(_run: RunRef, objects: readonly ClaimedObject[]): Promise<ReadonlySet<number>> {
    return Promise.resolve(new Set(objects.map((object) => object.id)));
  }

  release(_run: RunRef, objects: readonly ClaimedObject[]): Promise<void> {
    this.released.push(...objects.map((object) => object.key));
    return Promise.resolve();
  }

  saveBatch(
    _run: RunRef,
    batch: LoadBatch,
  ): Promise<{ inserted: number; state: "pending" | "done" } | undefined> {
    if (this.isLeaseLost) return Promise.resolve(undefined);
    this.batches.push(batch);
    return Promise.resolve({
      inserted: batch.rows.length,
      state: batch.finished ? "done" : "pending",
    });
  }

  fail(_run: RunRef, _object: ClaimedObject, failure: LoadFailure): Promise<boolean> {
    this.failures.push(failure);
    return Promise.resolve(true);
  }

  forget(_run: RunRef, object: ClaimedObject): Promise<boolean> {
    this.forgotten.push(object.key);
    return Promise.resolve(true);
  }
}

async function aFile(driver: MemoryDriver, key: string, text: string): Promise<ClaimedObject> {
  const info = await driver.put({ key, body: new TextEncoder().encode(text) }, ctx);
  return {
    id: key.length,
    key,
    etag: info.etag ?? null,
    version: null,
    size: info.size,
    epoch: 1,
    attempts: 1,
    rowsLoaded: 0,
    byteOffset: null,
  };
}

/** The whole body, and then what a store says whose object became another one meanwhile. */
async function* changesAfter(
  body: AsyncIterable<Uint8Array>,
  change: () => Promise<unknown>,
): AsyncGenerator<Uint8Array> {
  yield* body;
  await change();
  throw new InjectedFault({ code: "precondition_failed" });
}

async function load(driver: StorageDriver, loads: FakeLoads, runs = new FakeRuns()) {
  const engine = anEngine({ driver, loads, runs });
  return loadSlot(engine, RUN, { slot: 2, ...ctx, yieldAt: NEVER });
}

describe("loadSlot", () => {
  it("saves the rows of a file in batches, the last of them finished", async () => {
    const driver = new MemoryDriver();
    const lines = Array.from({ length: 1_200 }, (_, n) => `{"n":${String(n)}}`).join("\n");
    const loads = new FakeLoads([await aFile(driver, "a.jsonl", lines)]);
    const result = await load(driver, loads);
    expect(result).toEqual({ objects: 1, rows: 1_200, ended: "idle" });
    expect(
      loads.batches.map((batch) => [batch.rows.length, batch.rowsRead, batch.finished]),
    ).toEqual([
      [500, 500, false],
      [500, 1_000, false],
      [200, 1_200, true],
    ]);
    expect(loads.batches.every((batch) => batch.slot === 2)).toBe(true);
  });

  it("goes on behind a checkpoint, from the same version alone", async () => {
    const driver = new MemoryDriver();
    const text = Array.from({ length: 700 }, (_, n) => `{"n":${String(n)}}`).join("\n");
    const file = await aFile(driver, "a.jsonl", text);
    const first = new FakeLoads([file]);
    await load(driver, first);
    const checkpoint = first.batches[0];
    const resumed = new FakeLoads([
      {
        ...file,
        rowsLoaded: checkpoint?.rowsRead ?? 0,
        byteOffset: checkpoint?.byteOffset ?? null,
      },
    ]);
    await load(driver, resumed);
    expect(resumed.batches.flatMap((batch) => batch.rows.map((row) => row.rowIndex))).toEqual(
      Array.from({ length: 200 }, (_, n) => 500 + n),
    );
    expect(resumed.batches.some((batch) => batch.replace)).toBe(false);
  });

  it("ends an object whose bytes were all saved before the end was", async () => {
    const driver = new MemoryDriver();
    const file = await aFile(driver, "a.jsonl", '{"n":0}\n{"n":1}\n');
    const loads = new FakeLoads([{ ...file, rowsLoaded: 2, byteOffset: file.size }]);
    await load(driver, loads);
    expect(loads.batches).toMatchObject([{ rows: [], rowsRead: 2, finished: true }]);
  });

  it("reads a changed object from the start and replaces what the half-read version left", async () => {
    const driver = new MemoryDriver();
    const old = await aFile(driver, "a.jsonl", '{"n":0}\n{"n":1}\n');
    await aFile(driver, "a.jsonl", '{"m":0}\n{"m":1}\n{"m":2}\n');
    const loads = new FakeLoads([{ ...old, rowsLoaded: 1, byteOffset: 8 }]);
    await load(driver, loads);
    expect(loads.batches).toHaveLength(1);
    expect(loads.batches[0]).toMatchObject({ replace: true, finished: true, rowsRead: 3 });
    expect(loads.batches[0]?.rows.map((row) => row.data)).toEqual([
      '{"m":0}',
      '{"m":1}',
      '{"m":2}',
    ]);
  });

  it("replaces what it saved itself when the object changes while it is read", async () => {
    const inner = new MemoryDriver();
    const text = Array.from({ length: 600 }, (_, n) => `{"n":${String(n)}}`).join("\n");
    const file = await aFile(inner, "a.jsonl", text);
    const whole = withFaults(inner, {});
    let reads = 0;
    const driver: StorageDriver = {
      ...whole,
      read: async (request, opContext) => {
        const result = await whole.read(request, opContext);
        if (reads++ > 0) return result;
        const body = changesAfter(result.body, () => aFile(inner, "a.jsonl", '{"m":0}\n{"m":1}\n'));
        return { ...result, body };
      },
    };
    const loads = new FakeLoads([file]);
    await load(driver, loads);
    expect(loads.failures).toEqual([]);
    expect(
      loads.batches.map(({ rows, replace, finished }) => [rows.length, replace, finished]),
    ).toEqual([
      [500, false, false],
      [2, true, true],
    ]);
  });

  it("leaves an object that changes with every reading pending, so that no half-read row passes for a later content", async () => {
    const inner = new MemoryDriver();
    const old = await aFile(inner, "a.jsonl", '{"n":0}\n{"n":1}\n');
    const driver = withFaults(inner, {
      before: ({ method }) => {
        if (method !== "read") return;
        throw new InjectedFault({ code: "precondition_failed" });
      },
    });
    const loads = new FakeLoads([{ ...old, attempts: 3, rowsLoaded: 1, byteOffset: 8 }]);
    await load(driver, loads);
    expect(loads.failures).toMatchObject([{ code: "precondition_failed", content: false }]);
    expect(loads.failures[0]?.retryAfterSeconds).toBeGreaterThan(0);
  });

  it("keeps a bad row as an issue and loads the others", async () => {
    const driver = new MemoryDriver();
    const loads = new FakeLoads([await aFile(driver, "a.jsonl", '{"n":0}\n{oops}\n{"n":2}\n')]);
    await load(driver, loads);
    expect(loads.batches[0]?.rows.map((row) => row.rowIndex)).toEqual([0, 2]);
    expect(loads.batches[0]?.badRows).toMatchObject([{ rowIndex: 1, code: "invalid_json" }]);
  });

  it("fails a file that is none of JSON with the contract's sentence, as a matter of its content", async () => {
    const driver = new MemoryDriver();
    const loads = new FakeLoads([await aFile(driver, "a.json", "hello")]);
    await load(driver, loads);
    expect(loads.failures).toMatchObject([{ content: true, retryAfterSeconds: null }]);
    expect(loads.failures[0]?.message).toContain("Can't import JSON-formatted tasks from a.json");
  });

  it("forgets an object that vanished between listing and loading", async () => {
    const driver = new MemoryDriver();
    const file = await aFile(driver, "a.json", "{}");
    await driver.delete("a.json", ctx);
    const loads = new FakeLoads([file]);
    await load(driver, loads);
    expect(loads.forgotten).toEqual(["a.json"]);
    expect(loads.failures).toEqual([]);
  });

  it("tries an object again when the store was away, and gives up at the third attempt", async () => {
    const inner = new MemoryDriver();
    const file = await aFile(inner, "a.json", "{}");
    const away = () =>
      withFaults(inner, { before: faults.failTimes(9, { code: "unavailable" }, "read") });
    const first = new FakeLoads([file]);
    await load(away(), first);
    expect(first.failures[0]?.retryAfterSeconds).toBeGreaterThan(0);
    const third = new FakeLoads([{ ...file, attempts: 3 }]);
    await load(away(), third);
    expect(third.failures).toMatchObject([{ retryAfterSeconds: null, content: false }]);
  });

  it("does not hold it against an object that the database was away", async () => {
    const driver = new MemoryDriver();
    const loads = new FakeLoads([{ ...(await aFile(driver, "a.json", "{}")), attempts: 3 }]);
    const away = new AppError({ code: "unavailable", op: "db.batch", message: "not reachable" });
    loads.saveBatch = () => Promise.reject(away);
    await expect(load(driver, loads)).rejects.toBe(away);
    expect(loads.failures).toEqual([]);
    expect(loads.released).toEqual(["a.json"]);
  });

  it.each([
    { code: "unauthenticated", reason: undefined },
    { code: "not_found", reason: "s3.bucket_not_found" },
  ] as const)(
    "ends the run when the store says $code $reason, and gives its objects back",
    async (fault) => {
      const inner = new MemoryDriver();
      const files = [await aFile(inner, "a.json", "{}"), await aFile(inner, "bb.json", "{}")];
      const driver = withFaults(inner, { before: faults.failTimes(9, fault, "read") });
      const loads = new FakeLoads(files);
      const runs = new FakeRuns();
      const result = await load(driver, loads, runs);
      expect(result.ended).toBe("stop");
      expect(runs.failures).toMatchObject([{ code: fault.code }]);
      expect(new Set(loads.released)).toEqual(new Set(["a.json", "bb.json"]));
      expect(loads.failures).toEqual([]);
    },
  );

  it("leaves an object alone when its lease was lost", async () => {
    const driver = new MemoryDriver();
    const loads = new FakeLoads([await aFile(driver, "a.json", '{"a":1}')]);
    loads.isLeaseLost = true;
    expect(await load(driver, loads)).toMatchObject({ objects: 0, rows: 0 });
  });

  it("gives back what it claimed when the process is asked to stop", async () => {
    const inner = new MemoryDriver();
    const file = await aFile(inner, "a.json", "{}");
    const stop = new AbortController();
    const driver = withFaults(inner, {
      before: ({ method }) => {
        if (method === "read") stop.abort(new DOMException("shutdown", "AbortError"));
      },
    });
    const loads = new FakeLoads([file]);
    const engine = anEngine({ driver, loads });
    await expect(
      loadSlot(engine, RUN, { slot: 0, signal: stop.signal, yieldAt: NEVER }),
    ).rejects.toThrow("shutdown");
    expect(loads.released).toEqual(["a.json"]);
    expect(loads.failures).toEqual([]);
  });
});
