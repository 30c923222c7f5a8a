import { describe, expect, it } from "vitest";
import { collectBody } from "../body.ts";
import type { ErrorClass, StorageDriver } from "../driver.ts";
import { faults, withFaults } from "../memory/faults.ts";
import { MemoryDriver } from "../memory/memory-driver.ts";
import { calm, toBytes } from "../testing/case.ts";
import { withRetry, type RetryPolicy } from "./retry.ts";

const POLICY: RetryPolicy = {
  attempts: 3,
  baseMs: 100,
  capMs: 1_000,
  maxWaitMs: 5_000,
  random: () => 0.5,
};

/** A driver whose first calls fail, the waits between them, and the number of calls that reached the bucket. */
function aFlakyDriver(times: number, fault: ErrorClass, policy: Partial<RetryPolicy> = {}) {
  const memory = new MemoryDriver();
  memory.write("x", toBytes("body"));
  const waits: number[] = [];
  const calls: string[] = [];
  const fail = faults.failTimes(times, fault);
  const flaky = withFaults(memory, {
    before: (call) => {
      calls.push(call.method);
      return fail(call);
    },
  });
  const pause = (ms: number): Promise<void> => {
    waits.push(ms);
    return Promise.resolve();
  };
  return { memory, driver: withRetry(flaky, { ...POLICY, pause, ...policy }), waits, calls };
}

const etagPut = (driver: StorageDriver, etag: string) =>
  driver.put?.({ key: "x", body: toBytes("2"), condition: { kind: "etag", etag } }, calm);

describe("withRetry", () => {
  it("repeats temporary failures with growing waits", async () => {
    const { driver, waits } = aFlakyDriver(2, { code: "unavailable" });
    expect((await driver.stat("x", calm)).size).toBe(4);
    expect(waits).toEqual([75, 150]);
  });

  it("gives up after the last attempt, with the error of the driver", async () => {
    const { driver, calls } = aFlakyDriver(9, { code: "timeout" });
    await expect(driver.stat("x", calm)).rejects.toMatchObject({ class: { code: "timeout" } });
    expect(calls).toHaveLength(3);
  });

  it("does not repeat what cannot get better, nor what the driver does not know", async () => {
    const { driver, calls } = aFlakyDriver(1, { code: "permission_denied" });
    await expect(driver.stat("x", calm)).rejects.toMatchObject({
      class: { code: "permission_denied" },
    });
    expect(calls).toHaveLength(1);
    const unknown = withFaults(new MemoryDriver(), {
      before: () => Promise.reject(new TypeError("bug")),
    });
    await expect(withRetry(unknown, POLICY).stat("x", calm)).rejects.toThrow("bug");
  });

  it("leaves writes to callers who have times of their own", async () => {
    const { driver, calls } = aFlakyDriver(
      1,
      { code: "rate_limited", retryAfterMs: 1 },
      { repeatWrites: false },
    );
    await expect(driver.put?.({ key: "y", body: toBytes("1") }, calm)).rejects.toMatchObject({
      class: { code: "rate_limited" },
    });
    expect(calls).toEqual(["put"]);
  });

  it("waits as long as the store asks for", async () => {
    const { driver, waits } = aFlakyDriver(1, { code: "rate_limited", retryAfterMs: 4_000 });
    await driver.stat("x", calm);
    expect(waits).toEqual([4_000]);
  });

  it("leaves a longer wait to the caller", async () => {
    const { driver, waits } = aFlakyDriver(1, { code: "rate_limited", retryAfterMs: 60_000 });
    await expect(driver.stat("x", calm)).rejects.toMatchObject({ class: { retryAfterMs: 60_000 } });
    expect(waits).toEqual([]);
  });

  it.each(["unavailable", "rate_limited", "timeout"] as const)(
    "never repeats a conditional put (%s)",
    async (code) => {
      const { driver, memory, calls } = aFlakyDriver(1, { code });
      const { etag = "" } = await memory.stat("x", calm);
      await expect(etagPut(driver, etag)).rejects.toMatchObject({ class: { code } });
      expect(calls).toEqual(["putConditional"]);
    },
  );

  it("repeats a write after a refusal, and never after a failure that may be applied later", async () => {
    const refused = aFlakyDriver(1, { code: "rate_limited" });
    await refused.driver.put?.({ key: "x", body: toBytes("2") }, calm);
    await refused.driver.delete?.("x", calm);
    expect(refused.calls).toEqual(["put", "put", "delete"]);
    const ambiguous = aFlakyDriver(1, { code: "unavailable" });
    await expect(ambiguous.driver.put?.({ key: "x", body: toBytes("2") }, calm)).rejects.toThrow();
    expect(ambiguous.calls).toEqual(["put"]);
  });

  it("opens a body again that breaks before its first chunk", async () => {
    const memory = new MemoryDriver();
    memory.write("x", toBytes("body"));
    let opened = 0;
    const broken = withFaults(memory, { cutBodyAfter: () => (opened++ === 0 ? 0 : undefined) });
    const driver = withRetry(broken, { ...POLICY, pause: () => Promise.resolve() });
    const { body } = await driver.read({ key: "x" }, calm);
    expect(await collectBody(body)).toEqual(Buffer.from("body"));
    expect([opened, memory.openBodies]).toEqual([2, 0]);
  });

  it("never opens a body again that has given a chunk", async () => {
    const memory = new MemoryDriver({ chunkBytes: 2 });
    memory.write("x", toBytes("body"));
    let opened = 0;
    const broken = withFaults(memory, {
      cutBodyAfter: () => {
        opened++;
        return 2;
      },
    });
    const { body } = await withRetry(broken, POLICY).read({ key: "x" }, calm);
    await expect(collectBody(body)).rejects.toMatchObject({ class: { code: "unavailable" } });
    expect([opened, memory.openBodies]).toEqual([1, 0]);
  });

  it("stops waiting when the caller gives up", async () => {
    const controller = new AbortController();
    const { driver, calls } = aFlakyDriver(
      9,
      { code: "unavailable" },
      {
        pause: (_ms, signal) => {
          controller.abort();
          return Promise.reject(signal.reason as Error);
        },
      },
    );
    await expect(driver.stat("x", { signal: controller.signal })).rejects.toThrow();
    expect(calls).toHaveLength(1);
  });
});
