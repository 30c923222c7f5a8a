import { isAppError } from "@bucketbridge/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { collectBody, wrapBody } from "../body.ts";
import type { ReadResult, StorageDriver } from "../driver.ts";
import { MemoryDriver } from "../memory/memory-driver.ts";
import { calm, toBytes } from "../testing/case.ts";
import { interceptDriver } from "./intercept.ts";
import { withTimeout } from "./timeout.ts";

const POLICY = { timeoutMs: 1_000, idleMs: 300 };
const never = <T>(): Promise<T> => new Promise(() => undefined);

/** A driver whose calls hang and whose signals are kept. */
function aHangingDriver(): { driver: StorageDriver; signals: AbortSignal[] } {
  const signals: AbortSignal[] = [];
  const driver = interceptDriver(new MemoryDriver(), {
    call: () => never(),
  });
  const spied = interceptDriver(driver, {
    call: (call, action) => {
      signals.push(call.ctx.signal);
      return action(call.ctx);
    },
  });
  return { driver: withTimeout(spied, POLICY), signals };
}

async function outcome(call: Promise<unknown> | undefined): Promise<string> {
  try {
    await call;
    return "resolved";
  } catch (error) {
    return isAppError(error) ? error.code : String(error);
  }
}

describe("withTimeout", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("gives every method its deadline, also when the driver ignores its signal", async () => {
    const { driver, signals } = aHangingDriver();
    const calls = [
      driver.listPage({ prefix: "", recursive: true, limit: 1 }, calm),
      driver.stat("x", calm),
      driver.read({ key: "x" }, calm),
      driver.put?.({ key: "x", body: toBytes("1") }, calm),
      driver.put?.({ key: "x", body: toBytes("1"), condition: { kind: "absent" } }, calm),
      driver.delete?.("x", calm),
      driver.presignRead?.("x", { method: "GET", ttlSeconds: 1 }, calm),
    ].map(outcome);
    await vi.advanceTimersByTimeAsync(999);
    expect(signals.map((signal) => signal.aborted)).toEqual(Array(7).fill(false));
    await vi.advanceTimersByTimeAsync(1);
    expect(await Promise.all(calls)).toEqual(Array(7).fill("timeout"));
    expect(signals.map((signal) => signal.aborted)).toEqual(Array(7).fill(true));
  });

  it("leaves no timer behind", async () => {
    const memory = new MemoryDriver();
    memory.write("x", toBytes("body"));
    const driver = withTimeout(memory, POLICY);
    await driver.stat("x", calm);
    const { body } = await driver.read({ key: "x" }, calm);
    await collectBody(body);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("passes an abort of the caller on at once", async () => {
    const controller = new AbortController();
    const { driver, signals } = aHangingDriver();
    const call = outcome(driver.stat("x", { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(0);
    controller.abort(new Error("enough"));
    expect(await call).toBe("Error: enough");
    expect(signals[0]?.aborted).toBe(true);
  });

  it("ends a body that falls silent, and not one whose reader takes its time", async () => {
    const memory = new MemoryDriver({ chunkBytes: 1 });
    memory.write("x", toBytes("abc"));
    let pulls = 0;
    const stalling = interceptDriver(memory, {
      call: (call, action) => action(call.ctx),
      read: async (call, action) => {
        const result = await action(call.ctx);
        return {
          ...result,
          body: wrapBody(result.body, { pull: (next) => (++pulls < 3 ? next() : never()) }),
        };
      },
    });
    const { body } = await withTimeout(stalling, POLICY).read({ key: "x" }, calm);
    const chunks = body[Symbol.asyncIterator]();
    await chunks.next();
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await chunks.next()).done).toBe(false);
    const silent = outcome(chunks.next());
    await vi.advanceTimersByTimeAsync(300);
    expect(await silent).toBe("timeout");
    expect(memory.openBodies).toBe(0);
  });

  it("gives back a body that arrives too late", async () => {
    const memory = new MemoryDriver();
    memory.write("x", toBytes("late"));
    const late = Promise.withResolvers<ReadResult>();
    const slow = interceptDriver(memory, {
      call: (call, action) => action(call.ctx),
      read: () => late.promise,
    });
    const call = outcome(withTimeout(slow, POLICY).read({ key: "x" }, calm));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await call).toBe("timeout");
    late.resolve(await memory.read({ key: "x" }, calm));
    await vi.advanceTimersByTimeAsync(0);
    expect(memory.openBodies).toBe(0);
  });

  it("does not hold on to the caller's signal after the call", async () => {
    const memory = new MemoryDriver();
    memory.write("x", toBytes("body"));
    const seen: AbortSignal[] = [];
    const spied = interceptDriver(memory, {
      call: (call, action) => {
        seen.push(call.ctx.signal);
        return action(call.ctx);
      },
    });
    const controller = new AbortController();
    await withTimeout(spied, POLICY).stat("x", { signal: controller.signal });
    controller.abort();
    expect(seen[0]?.aborted).toBe(false);
  });
});
