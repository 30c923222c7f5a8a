import { describe, expect, it } from "vitest";
import { collectBody } from "../body.ts";
import { faults, withFaults } from "../memory/faults.ts";
import { MemoryDriver } from "../memory/memory-driver.ts";
import { calm, toBytes } from "../testing/case.ts";
import { withObserver, type CallRecord } from "./observe.ts";

function anObservedDriver(cutAfter?: number) {
  const memory = new MemoryDriver({ chunkBytes: 2 });
  memory.write("x", toBytes("body"));
  const records: CallRecord[] = [];
  let nowMs = 0;
  const inner = withFaults(memory, {
    before: faults.failTimes(1, { code: "rate_limited" }, "delete"),
    cutBodyAfter: () => cutAfter,
  });
  const driver = withObserver(
    inner,
    (record) => records.push(record),
    () => (nowMs += 10),
  );
  return { driver, records };
}

describe("withObserver", () => {
  it("reports duration and outcome of each call", async () => {
    const { driver, records } = anObservedDriver();
    await driver.stat("x", calm);
    await driver.stat("missing", calm).catch(() => undefined);
    await driver.delete?.("x", calm).catch(() => undefined);
    await driver.stat("x", { signal: AbortSignal.abort() }).catch(() => undefined);
    expect(records).toEqual([
      { method: "stat", outcome: "ok", durationMs: 10 },
      { method: "stat", outcome: "not_found", durationMs: 10 },
      { method: "delete", outcome: "rate_limited", durationMs: 10 },
      { method: "stat", outcome: "canceled", durationMs: 10 },
    ]);
  });

  it("reports the body of a read apart, with its bytes", async () => {
    const { driver, records } = anObservedDriver();
    await collectBody((await driver.read({ key: "x" }, calm)).body);
    expect(records).toEqual([
      { method: "read", outcome: "ok", durationMs: 10 },
      { method: "body", outcome: "ok", durationMs: 10, bytes: 4 },
    ]);
  });

  it("reports a body that breaks, and one that is given back", async () => {
    const broken = anObservedDriver(2);
    await collectBody((await broken.driver.read({ key: "x" }, calm)).body).catch(() => undefined);
    expect(broken.records.at(-1)).toMatchObject({
      method: "body",
      outcome: "unavailable",
      bytes: 2,
    });
    const early = anObservedDriver();
    const { body } = await early.driver.read({ key: "x" }, calm);
    await body[Symbol.asyncIterator]().return?.();
    expect(early.records.at(-1)).toMatchObject({ method: "body", outcome: "ok", bytes: 0 });
  });
});
