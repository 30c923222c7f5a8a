import { describe, expect, it } from "vitest";
import type { StorageDriver } from "../driver.ts";
import { faults, withFaults } from "../memory/faults.ts";
import { MemoryDriver } from "../memory/memory-driver.ts";
import { calm, toBytes } from "../testing/case.ts";
import { decorate, type DecorateOptions } from "./decorate.ts";
import { interceptDriver } from "./intercept.ts";
import type { CallRecord } from "./observe.ts";

/** The methods that every driver has. */
function readOnlyDriver(memory: MemoryDriver): StorageDriver {
  return {
    traits: memory.traits,
    listPage: (request, ctx) => memory.listPage(request, ctx),
    stat: (key, ctx) => memory.stat(key, ctx),
    read: (request, ctx) => memory.read(request, ctx),
    classifyError: (error) => memory.classifyError(error),
    close: () => memory.close(),
  };
}

describe("decorate", () => {
  it("observes each attempt, deadlines included, and not the waits", async () => {
    const memory = new MemoryDriver();
    memory.write("x", toBytes("body"));
    const hanging = interceptDriver(memory, {
      call: (call, action) =>
        records.length === 0 ? new Promise(() => undefined) : action(call.ctx),
    });
    const records: CallRecord[] = [];
    const options: DecorateOptions = {
      timeoutMs: 5,
      pause: () => Promise.resolve(),
      observer: (record) => records.push(record),
    };
    await decorate(hanging, options).stat("x", calm);
    expect(records.map(({ method, outcome }) => `${method} ${outcome}`)).toEqual([
      "stat timeout",
      "stat ok",
    ]);
  });

  it("frees the place while it waits for the next attempt", async () => {
    const memory = new MemoryDriver();
    memory.write("x", toBytes("body"));
    const flaky = withFaults(memory, { before: faults.failTimes(1, { code: "unavailable" }) });
    const order: string[] = [];
    const driver = decorate(flaky, {
      concurrency: 1,
      // The wait of the first call lasts until the second one is through: with the place held it would never end.
      pause: async () => {
        await second;
        order.push("waited");
      },
    });
    const first = driver.stat("x", calm).then(() => order.push("first"));
    const second = driver.stat("x", calm).then(() => order.push("second"));
    await Promise.all([first, second]);
    expect(order).toEqual(["second", "waited", "first"]);
  });

  it("keeps absent methods absent", () => {
    const readOnly = readOnlyDriver(new MemoryDriver());
    const driver = decorate(readOnly, { observer: () => undefined });
    expect("put" in driver || "delete" in driver || "presignRead" in driver).toBe(false);
  });
});
