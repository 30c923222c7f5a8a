import { CLAIM_OBJECTS } from "@bucketbridge/core";
import type { Clock } from "@bucketbridge/core";
import { faults, MemoryDriver, withFaults } from "@bucketbridge/storage/memory";
import { describe, expect, it } from "vitest";
import { folderPrefix } from "./folder-prefix.ts";
import { scanUnit } from "./scan-unit.ts";
import { aLease, anEngine, aSource, FakeRuns, FakeScans } from "./testing/fake-ports.ts";

const ctx = { signal: new AbortController().signal };
const NEVER = Number.POSITIVE_INFINITY;

async function aBucket(count: number, name = (n: number) => `k${String(n).padStart(4, "0")}`) {
  const driver = new MemoryDriver();
  for (let n = 0; n < count; n++) {
    await driver.put({ key: name(n), body: new Uint8Array([1]) }, ctx);
  }
  return driver;
}

/** A clock whose sleeps take no time but count. */
function aSkippingClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    sleep: (ms, signal) => {
      // The lease keeper's sleeps must not run away with the time of the test.
      if (ms === 15_000)
        return new Promise((_, reject) =>
          signal?.addEventListener("abort", () => {
            reject(signal.reason as Error);
          }),
        );
      now += ms;
      return Promise.resolve();
    },
  };
}

describe("scanUnit", () => {
  it("commits every page once, in order, and ends the unit with the last", async () => {
    const scans = new FakeScans();
    const engine = anEngine({ driver: await aBucket(25), scans, options: { pageSize: 10 } });
    const outcome = await scanUnit(engine, aLease(), { ...ctx, yieldAt: NEVER });
    expect(outcome).toBe("done");
    expect(scans.pages.map((page) => page.keys.length)).toEqual([10, 10, 5]);
    expect(new Set(scans.keys).size).toBe(25);
    expect(scans.pages.map((page) => page.endOfUnit)).toEqual([false, false, true]);
    expect(scans.released).toEqual([]);
  });

  it("ends the unit of an empty bucket", async () => {
    const scans = new FakeScans();
    const engine = anEngine({ driver: new MemoryDriver(), scans });
    expect(await scanUnit(engine, aLease(), { ...ctx, yieldAt: NEVER })).toBe("done");
    expect(scans.pages).toHaveLength(1);
    expect(scans.pages[0]?.endOfUnit).toBe(true);
  });

  it("goes on from the cursor of an earlier turn", async () => {
    const driver = await aBucket(30);
    const first = new FakeScans();
    await scanUnit(anEngine({ driver, scans: first, options: { pageSize: 10 } }), aLease(), {
      ...ctx,
      yieldAt: 0,
    });
    expect(first.pages).toHaveLength(1);
    expect(first.released).toHaveLength(1);
    const second = new FakeScans();
    const cursor = first.pages[0]?.cursor ?? null;
    await scanUnit(
      anEngine({ driver, scans: second, options: { pageSize: 10 } }),
      aLease({ cursor }),
      {
        ...ctx,
        yieldAt: NEVER,
      },
    );
    expect([...first.keys, ...second.keys]).toHaveLength(30);
    expect(new Set([...first.keys, ...second.keys]).size).toBe(30);
  });

  it("stops at once when a page finds the lease lost, and does not give it back", async () => {
    const scans = new FakeScans();
    scans.answers = (page) =>
      page.keys[0] === "k0010" ? undefined : { created: 1, known: 0, rearmed: 0, cancel: false };
    const engine = anEngine({ driver: await aBucket(30), scans, options: { pageSize: 10 } });
    expect(await scanUnit(engine, aLease(), { ...ctx, yieldAt: NEVER })).toBe("lost");
    expect(scans.pages).toHaveLength(1);
    expect(scans.released).toEqual([]);
  });

  it("gives the unit back when a page finds that the run shall stop", async () => {
    const scans = new FakeScans();
    scans.answers = () => ({ created: 1, known: 0, rearmed: 0, cancel: true });
    const engine = anEngine({ driver: await aBucket(30), scans, options: { pageSize: 10 } });
    expect(await scanUnit(engine, aLease(), { ...ctx, yieldAt: NEVER })).toBe("cancel");
    expect(scans.released).toHaveLength(1);
  });

  it("lists again after the last key when the token of the listing has expired", async () => {
    const inner = await aBucket(30);
    const driver = withFaults(inner, {
      before: faults.failTimes(
        1,
        { code: "invalid_input", reason: "memory.cursor_expired" },
        "listPage",
      ),
    });
    const scans = new FakeScans();
    const engine = anEngine({ driver, scans, options: { pageSize: 10 } });
    const lease = aLease({ cursor: "expired", lastKey: "k0009" });
    expect(await scanUnit(engine, lease, { ...ctx, yieldAt: NEVER })).toBe("done");
    expect(scans.keys[0]).toBe("k0010");
    expect(scans.keys).toHaveLength(20);
    expect(scans.restarts).toBe(0);
  });

  it("lists the unit afresh when the token has expired and no key is known", async () => {
    const driver = withFaults(await aBucket(5), {
      before: faults.failTimes(
        1,
        { code: "invalid_input", reason: "memory.cursor_expired" },
        "listPage",
      ),
    });
    const scans = new FakeScans();
    expect(
      await scanUnit(anEngine({ driver, scans }), aLease({ cursor: "expired" }), {
        ...ctx,
        yieldAt: NEVER,
      }),
    ).toBe("done");
    expect(scans.restarts).toBe(1);
    expect(scans.keys).toHaveLength(5);
  });

  it("lists the unit afresh when the token has expired and the store cannot list after a key", async () => {
    const inner = await aBucket(5);
    const driver = withFaults(
      { ...withFaults(inner, {}), traits: { ...inner.traits, order: "none", listAfter: false } },
      {
        before: faults.failTimes(
          1,
          { code: "invalid_input", reason: "memory.cursor_expired" },
          "listPage",
        ),
      },
    );
    const scans = new FakeScans();
    const lease = aLease({ cursor: "expired", lastKey: "k0002" });
    const engine = anEngine({ driver, scans });
    expect(await scanUnit(engine, lease, { ...ctx, yieldAt: NEVER })).toBe("done");
    expect(scans.restarts).toBe(1);
    expect(scans.keys).toHaveLength(5);
  });

  it("waits for a store that is away and goes on where it was", async () => {
    const driver = withFaults(await aBucket(30), {
      before: faults.failTimes(3, { code: "unavailable" }, "listPage"),
    });
    const scans = new FakeScans();
    const engine = anEngine({ driver, scans, clock: aSkippingClock(), options: { pageSize: 10 } });
    expect(await scanUnit(engine, aLease(), { ...ctx, yieldAt: NEVER })).toBe("done");
    expect(scans.keys).toHaveLength(30);
  });

  it("ends the run as failed when the store stays away, with what the store said", async () => {
    const driver = withFaults(await aBucket(3), {
      before: faults.failTimes(1_000, { code: "unavailable", detail: "no route" }, "listPage"),
    });
    const runs = new FakeRuns();
    runs.nextRunId = 8;
    const engine = anEngine({ driver, runs, clock: aSkippingClock() });
    expect(await scanUnit(engine, aLease(), { ...ctx, yieldAt: NEVER })).toBe("failed");
    expect(runs.failures[0]).toMatchObject({ code: "unavailable" });
    expect(runs.failures[0]?.message).toContain("no route");
    expect(engine.rings).toEqual(["run 8"]);
  });

  it("ends the run at once when the credentials are refused", async () => {
    const driver = withFaults(await aBucket(3), {
      before: faults.failTimes(1, { code: "permission_denied" }, "listPage"),
    });
    const runs = new FakeRuns();
    expect(await scanUnit(anEngine({ driver, runs }), aLease(), { ...ctx, yieldAt: NEVER })).toBe(
      "failed",
    );
    expect(runs.failures).toHaveLength(1);
  });

  it("gives the unit back when the process is asked to stop", async () => {
    const stop = new AbortController();
    const scans = new FakeScans();
    scans.answers = () => {
      stop.abort(new DOMException("shutdown", "AbortError"));
      return { created: 1, known: 0, rearmed: 0, cancel: false };
    };
    const engine = anEngine({ driver: await aBucket(30), scans, options: { pageSize: 10 } });
    await expect(
      scanUnit(engine, aLease(), { signal: stop.signal, yieldAt: NEVER }),
    ).rejects.toMatchObject({ code: "canceled" });
    expect(scans.released).toHaveLength(1);
  });

  it("rings load slots of the tasks method while pages bring work, up to the cap", async () => {
    const driver = await aBucket(100, (n) => `k${String(n).padStart(4, "0")}.json`);
    const engine = anEngine({ driver, options: { pageSize: 10, loadSlots: 3 } });
    const lease = aLease({ source: aSource({ useBlobUrls: false }) });
    await scanUnit(engine, lease, { ...ctx, yieldAt: NEVER });
    // Slot 0 is the run's own job.
    expect(engine.rings).toEqual(["load 7/1", "load 7/2"]);
  });

  it("rings a load slot for each claim that one page brought", async () => {
    const driver = await aBucket(200, (n) => `k${String(n).padStart(4, "0")}.json`);
    const engine = anEngine({ driver, options: { pageSize: 1_000, loadSlots: 8 } });
    const lease = aLease({ source: aSource({ useBlobUrls: false }) });
    await scanUnit(engine, lease, { ...ctx, yieldAt: NEVER });
    expect(engine.rings).toHaveLength(Math.ceil(200 / CLAIM_OBJECTS));
  });

  it("takes no task file that is larger than the operator allows", async () => {
    const driver = new MemoryDriver();
    await driver.put({ key: "a.json", body: new Uint8Array(10) }, ctx);
    await driver.put({ key: "b.json", body: new Uint8Array(11) }, ctx);
    const scans = new FakeScans();
    const engine = anEngine({ driver, scans, options: { maxObjectBytes: 10 } });
    const lease = aLease({ source: aSource({ useBlobUrls: false }) });
    await scanUnit(engine, lease, { ...ctx, yieldAt: NEVER });
    expect(scans.pages[0]?.failures).toMatchObject([null, { code: "object_too_large" }]);
  });

  it("applies prefix and filter as the contract does", async () => {
    const driver = new MemoryDriver();
    for (const key of ["img/a.jpg", "img/b.txt", "img/sub/c.jpg.bak", "images/d.jpg", "img.jpg"]) {
      await driver.put({ key, body: new Uint8Array() }, ctx);
    }
    const scans = new FakeScans();
    const source = aSource({ prefix: "img", regexFilter: ".*jpg" });
    await scanUnit(anEngine({ driver, scans }), aLease({ source }), { ...ctx, yieldAt: NEVER });
    expect(scans.keys).toEqual(["img/a.jpg", "img/sub/c.jpg.bak"]);
    expect(scans.pages[0]?.skipped).toBe(1);
  });
});

describe("folderPrefix", () => {
  it.each([
    [null, ""],
    ["", ""],
    ["/", ""],
    ["img", "img/"],
    ["img/", "img/"],
    ["a/b//", "a/b/"],
  ])("makes a folder of %j", (prefix, folder) => {
    expect(folderPrefix(prefix)).toBe(folder);
  });
});
