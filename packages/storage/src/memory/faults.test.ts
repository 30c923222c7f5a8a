import type { Clock } from "@bucketbridge/core";
import { expect, it } from "vitest";
import { collectBody } from "../body.ts";
import { ObjectStore } from "../object-store.ts";
import { calm, toBytes } from "../testing/case.ts";
import { faults, withFaults, type FaultPlan } from "./faults.ts";
import { MemoryDriver } from "./memory-driver.ts";

function aStore(plan: (memory: MemoryDriver) => FaultPlan): ObjectStore {
  const memory = new MemoryDriver();
  memory.write("x", toBytes("before"));
  return new ObjectStore(withFaults(memory, plan(memory)), {
    provider: "memory",
    place: "a bucket",
  });
}

it("waits before each call, and not after an abort", async () => {
  const waits: number[] = [];
  const clock: Clock = {
    now: () => 0,
    sleep: (ms, signal) => {
      waits.push(ms);
      return signal?.aborted === true ? Promise.reject(signal.reason as Error) : Promise.resolve();
    },
  };
  const store = aStore(() => ({ before: faults.latency(60, clock) }));
  await store.stat("x", calm);
  expect(waits).toEqual([60]);
});

it("fails so many times, of one method if told so", async () => {
  const store = aStore(() => ({ before: faults.failTimes(2, { code: "unavailable" }, "stat") }));
  await store.pages({}, calm).next();
  await expect(store.stat("x", calm)).rejects.toMatchObject({ code: "unavailable" });
  await expect(store.stat("x", calm)).rejects.toMatchObject({ code: "unavailable" });
  expect((await store.stat("x", calm)).size).toBe(6);
});

it("throttles every second call with the delay it asks for", async () => {
  const store = aStore(() => ({ before: faults.throttle({ retryAfterMs: 500 }) }));
  await expect(store.stat("x", calm)).rejects.toMatchObject({
    code: "rate_limited",
    retryAfterMs: 500,
  });
  expect((await store.stat("x", calm)).size).toBe(6);
});

it("cuts a body in its middle", async () => {
  const store = aStore(() => ({ cutBodyAfter: (key) => (key === "x" ? 3 : undefined) }));
  const { body } = await store.read("x", {}, calm);
  const chunks = body[Symbol.asyncIterator]();
  expect(Buffer.from((await chunks.next()).value as Uint8Array).toString()).toBe("bef");
  await expect(chunks.next()).rejects.toMatchObject({ code: "unavailable" });
});

it("changes an object between its listing and its reading", async () => {
  const store = aStore((memory) => ({
    before: faults.beforeReadOf("x", () => {
      memory.write("x", toBytes("after"));
    }),
  }));
  const listed = (await store.pages({}, calm).next()).value;
  await expect(store.read("x", { ifEtag: listed?.etags[0] }, calm)).rejects.toMatchObject({
    code: "precondition_failed",
  });
  const { body } = await store.read("x", {}, calm);
  expect(Buffer.from(await collectBody(body)).toString()).toBe("after");
});
