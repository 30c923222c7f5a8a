import { MAX_RETRY_AFTER_MS, type Clock } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import type { ErrorClass, StorageDriver } from "../driver.ts";
import { InjectedFault, withFaults } from "../memory/faults.ts";
import { MemoryDriver } from "../memory/memory-driver.ts";
import { calm, toBytes } from "../testing/case.ts";
import { HostPauses, withPause, type PausePolicy } from "./host-pauses.ts";

/** Time that passes only when a test says so. */
class FakeClock implements Clock {
  #now = 1_000;
  readonly #sleepers = new Map<() => void, number>();

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sleepers.set(resolve, this.#now + ms);
      signal?.addEventListener("abort", () => {
        reject(signal.reason as Error);
      });
    });
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms;
    for (const [wake, at] of this.#sleepers) {
      if (at > this.#now) continue;
      this.#sleepers.delete(wake);
      wake();
    }
    await settle();
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Drivers over one clock; each notes the calls that reach its store and fails those that the test asks for. */
function world() {
  const clock = new FakeClock();
  const pauses = new HostPauses(clock);
  const reached: string[] = [];
  const faults: ErrorClass[] = [];
  const open = (name: string, policy: Partial<PausePolicy> = {}): StorageDriver => {
    const memory = new MemoryDriver();
    memory.write("x", toBytes("body"));
    const before = (): void => {
      reached.push(name);
      const fault = faults.shift();
      if (fault !== undefined) throw new InjectedFault(fault);
    };
    const inner = withFaults(memory, { before });
    return withPause(inner, { pauses, host: "one", maxWaitMs: 10_000, ...policy });
  };
  return { clock, pauses, reached, faults, open };
}

const THROTTLED: ErrorClass = { code: "rate_limited", retryAfterMs: 2_000 };

describe("withPause", () => {
  it("keeps every driver of the host from its store for as long as one was told to wait", async () => {
    const { clock, reached, faults, open } = world();
    const [first, second, third] = [open("first"), open("second"), open("third")];
    faults.push(THROTTLED);
    await expect(first.stat("x", calm)).rejects.toThrow();
    const waiting = [first, second, third].map((driver) => driver.stat("x", calm));
    await settle();
    await clock.pass(1_999);
    expect(reached).toEqual(["first"]);
    await clock.pass(1);
    await Promise.all(waiting);
    expect(reached).toEqual(["first", "first", "second", "third"]);
  });

  it("leaves other hosts alone", async () => {
    const { reached, faults, open } = world();
    faults.push(THROTTLED);
    await expect(open("first").stat("x", calm)).rejects.toThrow();
    await open("other", { host: "another" }).stat("x", calm);
    expect(reached).toEqual(["first", "other"]);
  });

  it.each<[ErrorClass, number]>([
    [{ code: "unavailable", retryAfterMs: 500 }, 500],
    [{ code: "rate_limited" }, 0],
    [{ code: "unavailable" }, 0],
    [{ code: "not_found", retryAfterMs: 500 }, 0],
    [{ code: "rate_limited", retryAfterMs: 1e12 }, MAX_RETRY_AFTER_MS],
  ])("pauses after %j for %d ms", async (fault, ms) => {
    const { pauses, faults, open } = world();
    faults.push(fault);
    await expect(open("first").stat("x", calm)).rejects.toThrow();
    expect(pauses.remainingMs("one")).toBe(ms);
  });

  it("goes on waiting when the pause grows, and never shortens it", async () => {
    const { clock, pauses, reached, open } = world();
    pauses.begin("one", 1_000);
    const call = open("first").stat("x", calm);
    pauses.begin("one", 3_000);
    pauses.begin("one", 10);
    await clock.pass(2_999);
    expect(reached).toEqual([]);
    await clock.pass(1);
    await call;
  });

  it("does not go on waiting when the pause grows beyond the caller's patience", async () => {
    const { clock, pauses, reached, open } = world();
    pauses.begin("one", 9_000);
    const call = open("first").stat("x", calm);
    const refusal = expect(call).rejects.toMatchObject({
      code: "rate_limited",
      retryAfterMs: 2_000,
    });
    pauses.begin("one", 11_000);
    await clock.pass(9_000);
    await refusal;
    expect(reached).toEqual([]);
  });

  it("fails at once, without a request, where the pause is longer than the caller's patience", async () => {
    const { pauses, reached, open } = world();
    pauses.begin("one", 60_000);
    await expect(open("first").stat("x", calm)).rejects.toMatchObject({
      code: "rate_limited",
      retryAfterMs: 60_000,
    });
    expect(reached).toEqual([]);
  });

  it("does not keep writes waiting whose caller has times of its own", async () => {
    const { pauses, reached, open } = world();
    pauses.begin("one", 100);
    const driver = open("first", { repeatWrites: false });
    const put = driver.put?.({ key: "w", body: toBytes("1") }, calm);
    await expect(put).rejects.toMatchObject({ code: "rate_limited", retryAfterMs: 100 });
    await expect(driver.delete?.("w", calm)).rejects.toMatchObject({ code: "rate_limited" });
    expect(reached).toEqual([]);
  });

  it("signs URLs during a pause, and stops waiting when the signal is aborted", async () => {
    const { pauses, open } = world();
    pauses.begin("one", 1_000);
    const driver = open("first");
    const options = { method: "GET", ttlSeconds: 60 } as const;
    expect(await driver.presignRead?.("x", options, calm)).toBeInstanceOf(URL);
    const controller = new AbortController();
    const call = driver.stat("x", { signal: controller.signal });
    controller.abort(new DOMException("stopped", "AbortError"));
    await expect(call).rejects.toThrow("stopped");
  });
});
