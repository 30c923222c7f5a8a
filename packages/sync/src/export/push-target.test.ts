import { AppError } from "@bucketbridge/core";
import { InjectedFault, MemoryDriver, withFaults } from "@bucketbridge/storage/memory";
import { collectBody, type ErrorClass, type StorageDriver } from "@bucketbridge/storage";
import { describe, expect, it } from "vitest";
import { pushTarget } from "./push-target.ts";
import { aDelivery, anAnnotation, anExportEngine, aTarget } from "./testing/fake-ports.ts";

const ctx = { signal: new AbortController().signal };
const REF = { organizationId: 1, targetId: 9 };
const IDLE = { kind: "idle" };
/** A lease that need not be renewed. */
const NEVER = new Promise<void>(() => undefined);

/** A bucket whose writes are seen, and fail as `plan` says. */
function aBucket(plan: (key: string, method: string) => Promise<void> | void = () => undefined): {
  readonly memory: MemoryDriver;
  readonly driver: StorageDriver;
  readonly writes: string[];
} {
  const memory = new MemoryDriver();
  const writes: string[] = [];
  const driver = withFaults(memory, {
    before: ({ method, subject }) => {
      writes.push(`${method} ${subject}`);
      return plan(subject, method);
    },
  });
  return { memory, driver, writes };
}

function refusing(fault: ErrorClass): () => never {
  return () => {
    throw new InjectedFault(fault);
  };
}

function many(count: number): ReturnType<typeof aDelivery>[] {
  return Array.from({ length: count }, (_, n) => aDelivery(n + 1));
}

async function resultOf(memory: MemoryDriver, key: string): Promise<unknown> {
  const { body } = await memory.read({ key }, ctx);
  const text = Buffer.from(await collectBody(body)).toString();
  return (JSON.parse(text) as { result: unknown }).result;
}

describe("pushTarget", () => {
  it("puts what is newest now and records that revision", async () => {
    const { memory, driver } = aBucket();
    const engine = anExportEngine({ driver, due: [aDelivery(12, { wantedRevision: 2 })] });
    engine.deliveries.subjects.set(12, anAnnotation(12, 5));
    const turn = await pushTarget(engine, REF, ctx.signal);
    expect(turn).toEqual({ delivered: 1, failed: 0, ended: IDLE });
    expect(await resultOf(memory, "12")).toEqual([{ revision: 5 }]);
    expect(engine.deliveries.records).toMatchObject([{ revision: 5, objectKey: "12" }]);
    expect(engine.breaker.successes).toBe(1);
    expect(engine.connections.open).toBe(0);
  });

  it("writes a key down before the put, and only where the database does not know it", async () => {
    const order: string[] = [];
    const { driver } = aBucket((key) => {
      order.push(`put ${key}`);
    });
    const due = [aDelivery(1), aDelivery(2, { objectKey: "2" })];
    const engine = anExportEngine({ driver, due });
    const intend = engine.deliveries.intend.bind(engine.deliveries);
    engine.deliveries.intend = (target, intents) => {
      order.push(...intents.map(({ objectKey }) => `intend ${objectKey}`));
      return intend(target, intents);
    };
    await pushTarget(engine, REF, ctx.signal);
    expect(order).toEqual(["intend 1", "put 1", "put 2"]);
  });

  it("puts what was read together with its claim without asking again", async () => {
    const { driver, writes } = aBucket();
    const engine = anExportEngine({ driver, due: many(3) });
    const { deliveries } = engine;
    const claim = deliveries.claim.bind(deliveries);
    deliveries.claim = async (...values) => {
      const claimed = await claim(...values);
      expect(values[3]?.keyOf?.(claimed.target, anAnnotation(1))).toBe("1");
      expect(values[3]?.readUpToBytes).toBeGreaterThan(500_000);
      return { ...claimed, subjects: new Map(deliveries.subjects) };
    };
    expect(await pushTarget(engine, REF, ctx.signal)).toMatchObject({ delivered: 3 });
    expect(writes).toEqual(["put 1", "put 2", "put 3"]);
    expect(deliveries.reads).toEqual([]);
    expect(engine.bytes.usedBytes).toBe(0);
  });

  it("only deletes at a place that the target has left, whatever there is by now", async () => {
    const { driver, writes } = aBucket();
    const due = [aDelivery(1, { wantedOp: "delete", wantedRevision: 4, objectKey: "old/1" })];
    const engine = anExportEngine({ driver, due });
    engine.deliveries.target = aTarget({ isRetired: true });
    engine.deliveries.subjects.set(1, anAnnotation(1, 5));
    await pushTarget(engine, REF, ctx.signal);
    expect(writes).toEqual(["delete old/1"]);
    expect(engine.deliveries.records).toMatchObject([{ revision: 4, etag: null }]);
  });

  it("puts nothing for a lease that was lost before", async () => {
    const { driver, writes } = aBucket();
    const engine = anExportEngine({ driver, due: [aDelivery(1), aDelivery(2)] });
    engine.deliveries.lost.add(1);
    await pushTarget(engine, REF, ctx.signal);
    expect(writes).toEqual(["put 2"]);
    expect(engine.deliveries.released).toEqual([]);
  });

  it.each(["timeout", "unavailable", "internal"] as const)(
    "keeps a put that ends with %s as one of unknown fate, due at once the first time",
    async (code) => {
      const { driver } = aBucket(refusing({ code }));
      const due = [aDelivery(1, { attempts: 1 })];
      const engine = anExportEngine({ driver, due });
      const turn = await pushTarget(engine, REF, ctx.signal);
      expect(turn).toMatchObject({ delivered: 0, failed: 1 });
      const failure = { code, retryAfterSeconds: 0 };
      expect(engine.deliveries.failures).toMatchObject([{ kind: "ambiguous", failure }]);
    },
  );

  it("backs off after a second put without an answer", async () => {
    const { driver } = aBucket(refusing({ code: "timeout" }));
    const engine = anExportEngine({ driver, due: [aDelivery(1, { attempts: 3 })] });
    await pushTarget(engine, REF, ctx.signal);
    const [failed] = engine.deliveries.failures;
    expect(failed?.failure.retryAfterSeconds).toBeGreaterThanOrEqual(4);
    expect(failed?.failure.retryAfterSeconds).toBeLessThanOrEqual(8);
  });

  it("keeps a refused put as failed, which needs no settling", async () => {
    const { driver } = aBucket(refusing({ code: "invalid_input" }));
    const engine = anExportEngine({ driver, due: [aDelivery(1)] });
    await pushTarget(engine, REF, ctx.signal);
    expect(engine.deliveries.failures).toMatchObject([{ kind: "failed", subjectId: 1 }]);
    // The store has answered: the failure is the object's own.
    expect(engine.breaker).toMatchObject({ outages: [], successes: 1 });
  });

  it("reports a put as ambiguous whose lease was lost on its way", async () => {
    const { driver } = aBucket(() => {
      engine.deliveries.lost.add(1);
    });
    const engine = anExportEngine({ driver, due: [aDelivery(1)] });
    const turn = await pushTarget(engine, REF, ctx.signal);
    expect(turn).toMatchObject({ delivered: 0, failed: 1 });
    const failure = { code: "conflict", retryAfterSeconds: 0 };
    expect(engine.deliveries.failures).toMatchObject([{ kind: "ambiguous", failure }]);
  });

  it("honours the time that a store asks for, once per claim and without a retry of its own", async () => {
    const { driver, writes } = aBucket(refusing({ code: "rate_limited", retryAfterMs: 7_000 }));
    const engine = anExportEngine({ driver, due: [aDelivery(1)] });
    await pushTarget(engine, REF, ctx.signal);
    expect(writes).toHaveLength(1);
    const failure = { code: "rate_limited", retryAfterSeconds: 7 };
    expect(engine.deliveries.failures).toMatchObject([{ kind: "failed", failure }]);
    expect(engine.breaker.outages).toMatchObject([failure]);
  });

  it("opens the breaker after a claim that nobody answered and gives the rest back", async () => {
    const { driver, writes } = aBucket(refusing({ code: "unavailable" }));
    const engine = anExportEngine({ driver, due: many(40), options: { parallelPuts: 4 } });
    const turn = await pushTarget(engine, REF, ctx.signal);
    expect(turn.ended).toEqual({ kind: "yield", delayMs: 4_000 });
    expect(writes.length).toBeLessThanOrEqual(8);
    expect(engine.breaker.outages.length).toBeGreaterThan(0);
    // Its steps are its own: a backoff of a delivery says nothing about the target.
    expect(engine.breaker.outages[0]?.retryAfterSeconds).toBe(0);
    const touched = writes.length + engine.deliveries.released.length;
    expect(touched + engine.deliveries.due.length).toBe(40);
    expect(engine.deliveries.failures).toHaveLength(writes.length);
  });

  it("gives back what it has not begun once the target answers nobody", async () => {
    const { driver, writes } = aBucket(refusing({ code: "permission_denied" }));
    const engine = anExportEngine({ driver, due: many(8), options: { parallelPuts: 1 } });
    // One place for eight: seven wait while the first is refused.
    const claim = engine.deliveries.claim.bind(engine.deliveries);
    engine.deliveries.claim = (target, owner) => claim(target, owner, 8);
    await pushTarget(engine, REF, ctx.signal);
    expect(writes).toEqual(["put 1"]);
    expect(engine.deliveries.released).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  it("stays closed while some pushes go through", async () => {
    const { driver } = aBucket((key) => {
      if (key === "3") throw new InjectedFault({ code: "unavailable" });
    });
    const engine = anExportEngine({ driver, due: many(5) });
    await pushTarget(engine, REF, ctx.signal);
    expect(engine.breaker).toMatchObject({ outages: [], state: "closed" });
    expect(engine.deliveries.failures).toMatchObject([{ subjectId: 3, kind: "ambiguous" }]);
  });

  it("sends one delivery as a probe and goes on when it goes through", async () => {
    const { driver } = aBucket();
    const engine = anExportEngine({ driver, due: many(5) });
    engine.breaker.state = "probe";
    expect(await pushTarget(engine, REF, ctx.signal)).toMatchObject({ delivered: 5, ended: IDLE });
    expect(engine.deliveries.counts[0]).toBe(1);
    expect(engine.deliveries.counts[1]).toBeGreaterThan(1);
  });

  it("waits with a probe that nobody answers no longer than the breaker does", async () => {
    const { driver } = aBucket(refusing({ code: "unavailable" }));
    const due = [aDelivery(1, { attempts: 12 })];
    const engine = anExportEngine({ driver, due, options: { breakerSeconds: 60 } });
    engine.breaker.state = "probe";
    await pushTarget(engine, REF, ctx.signal);
    expect(engine.deliveries.failures[0]?.failure.retryAfterSeconds).toBe(60);
  });

  it.each([
    { lingers: true, busy: true, delivered: 6 },
    { lingers: true, busy: false, delivered: 2 },
    { lingers: false, busy: true, delivered: 4 },
  ])(
    "stays a moment with a target that was busy (asked to: $lingers, busy: $busy)",
    async ({ lingers, busy, delivered }) => {
      let nowMs = 0;
      const engine = anExportEngine({ due: many(busy ? 4 : 2), options: { parallelPuts: 1 } });
      engine.deliveries.target = aTarget();
      const sleep = (ms: number): Promise<void> => {
        nowMs += ms;
        if (nowMs === 60) engine.deliveries.due = [aDelivery(7), aDelivery(8)];
        return Promise.resolve();
      };
      const clock = { now: () => nowMs, sleep: (ms: number) => (ms > 1_000 ? NEVER : sleep(ms)) };
      const turn = await pushTarget({ ...engine, clock }, REF, ctx.signal, { lingers });
      expect(turn).toEqual({ delivered, failed: 0, ended: IDLE });
      expect(nowMs).toBeLessThan(300);
    },
  );

  it("claims nothing while the breaker is open", async () => {
    const engine = anExportEngine({ due: many(5) });
    engine.breaker.state = "open";
    const turn = await pushTarget(engine, REF, ctx.signal);
    expect(turn).toEqual({ delivered: 0, failed: 0, ended: { kind: "yield", delayMs: 4_000 } });
    expect(engine.deliveries.counts).toEqual([]);
  });

  it("fails what it claimed when the target cannot be opened as it is saved", async () => {
    const engine = anExportEngine({ due: many(3) });
    engine.connections.refusal = new AppError({ code: "invalid_config", message: "no key" });
    await pushTarget(engine, REF, ctx.signal);
    expect(engine.deliveries.failures.map(({ kind }) => kind)).toEqual(Array(3).fill("failed"));
    expect(engine.breaker.outages).toHaveLength(1);
    expect(engine.deliveries.released).toEqual([]);
  });

  it("deletes the object of a subject that is gone, where the target may", async () => {
    const { driver, memory } = aBucket();
    memory.write("old-key", Buffer.from("x"));
    const due = [aDelivery(1, { wantedOp: "delete", wantedRevision: 3, objectKey: "old-key" })];
    const engine = anExportEngine({ driver, due });
    engine.deliveries.subjects.clear();
    await pushTarget(engine, REF, ctx.signal);
    await expect(memory.stat("old-key", ctx)).rejects.toThrow();
    expect(engine.deliveries.records).toMatchObject([{ revision: 3, objectKey: "old-key" }]);
  });

  it("leaves the object of a subject that is gone where the target may not delete", async () => {
    const { driver, writes } = aBucket();
    const engine = anExportEngine({ driver, due: [aDelivery(1, { objectKey: "1" })] });
    engine.deliveries.target = aTarget({ canDeleteObjects: false });
    engine.deliveries.subjects.clear();
    expect(await pushTarget(engine, REF, ctx.signal)).toMatchObject({ delivered: 1 });
    expect(writes).toEqual([]);
  });

  it("asks no store about a subject that is gone and never had an object", async () => {
    const { driver, writes } = aBucket();
    const engine = anExportEngine({ driver, due: [aDelivery(1)] });
    engine.deliveries.subjects.clear();
    expect(await pushTarget(engine, REF, ctx.signal)).toMatchObject({ delivered: 1 });
    expect(writes).toEqual([]);
  });

  it("fails one subject that cannot be written as JSON, and pushes the others", async () => {
    const { driver } = aBucket();
    const engine = anExportEngine({ driver, due: many(3) });
    const broken = anAnnotation(2);
    if (broken.type === "annotation") {
      const annotation = { ...broken.annotation, createdAt: new Date(Number.NaN) };
      engine.deliveries.subjects.set(2, { ...broken, annotation });
    }
    expect(await pushTarget(engine, REF, ctx.signal)).toMatchObject({ delivered: 2, failed: 1 });
    const failure = { code: "internal" };
    expect(engine.deliveries.failures).toMatchObject([{ subjectId: 2, kind: "failed", failure }]);
  });

  it("gives back at a shutdown what it has not begun, and keeps what it has as of unknown fate", async () => {
    const stop = new AbortController();
    const { driver } = aBucket((key) => {
      if (key !== "1") return;
      stop.abort(new AppError({ code: "canceled", message: "the worker shuts down" }));
      stop.signal.throwIfAborted();
    });
    const engine = anExportEngine({ driver, due: many(6), options: { parallelPuts: 1 } });
    const claim = engine.deliveries.claim.bind(engine.deliveries);
    engine.deliveries.claim = (target, owner) => claim(target, owner, 6);
    await expect(pushTarget(engine, REF, stop.signal)).rejects.toMatchObject({ code: "canceled" });
    const failure = { code: "canceled", retryAfterSeconds: 0 };
    expect(engine.deliveries.failures).toMatchObject([
      { subjectId: 1, kind: "ambiguous", failure },
    ]);
    expect(engine.deliveries.released).toEqual([2, 3, 4, 5, 6]);
    expect(engine.breaker.outages).toEqual([]);
  });

  it("gives everything back when the database fails before the first put", async () => {
    const engine = anExportEngine({ due: many(3) });
    const away = new AppError({ code: "unavailable", message: "the database is away" });
    engine.deliveries.readSubjects = () => Promise.reject(away);
    await expect(pushTarget(engine, REF, ctx.signal)).rejects.toBe(away);
    expect(engine.deliveries.released).toEqual([1, 2, 3]);
    expect(engine.connections.open).toBe(0);
  });

  it("yields when its time is up, and never holds more than two claims of twice what it puts at once", async () => {
    let held = 0;
    let most = 0;
    const { driver } = aBucket();
    const engine = anExportEngine({ driver, due: many(100), options: { parallelPuts: 4 } });
    const claim = engine.deliveries.claim.bind(engine.deliveries);
    const delivered = engine.deliveries.delivered.bind(engine.deliveries);
    engine.deliveries.claim = async (...values) => {
      const claimed = await claim(...values);
      held += claimed.deliveries.length;
      most = Math.max(most, held);
      return claimed;
    };
    engine.deliveries.delivered = (target, records) => {
      held -= records.length;
      return delivered(target, records);
    };
    expect(await pushTarget(engine, REF, ctx.signal)).toMatchObject({ delivered: 100 });
    expect(most).toBe(16);
    engine.deliveries.due = many(100);
    const turn = await pushTarget(engine, REF, ctx.signal, { yieldMs: 0 });
    expect(turn.ended).toEqual({ kind: "yield", delayMs: 0 });
    expect(turn.delivered).toBeLessThanOrEqual(16);
  });

  it("keeps the leases of pushes that are on their way, not only of those that wait", async () => {
    const clock = new SteppingClock();
    const { driver } = aBucket(async (key) => {
      if (key === "1") await clock.tick();
    });
    const engine = { ...anExportEngine({ driver, due: many(2) }), clock };
    await pushTarget(engine, REF, ctx.signal);
    expect(engine.deliveries.log).toContain("renew 1,2");
  });
});

/** A clock that a test moves: all that sleep wake up. */
class SteppingClock {
  #sleepers: (() => void)[] = [];

  now(): number {
    return 0;
  }

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sleepers.push(resolve);
      signal?.addEventListener("abort", () => {
        reject(signal.reason as Error);
      });
    });
  }

  async tick(): Promise<void> {
    for (const wake of this.#sleepers.splice(0)) wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("the memory of a claim", () => {
  const LARGE = 5 * 1024 * 1024;

  it("holds large subjects one after another, and small ones together", async () => {
    const { driver } = aBucket();
    const large = [1, 2, 3].map((id) => aDelivery(id, { storedBytes: LARGE }));
    const engine = anExportEngine({ driver, due: [...large, ...many(6).slice(3)] });
    const turn = await pushTarget(engine, REF, ctx.signal);
    expect(turn).toEqual({ delivered: 6, failed: 0, ended: IDLE });
    expect(engine.deliveries.reads).toEqual([[1], [2], [3, 4, 5, 6]]);
    expect(engine.bytes.usedBytes).toBe(0);
  });

  it("waits for room in what the process may hold, and gives the claim back when it stops meanwhile", async () => {
    const engine = anExportEngine({ due: many(2) });
    const giveBack = await engine.bytes.acquire(Infinity, ctx.signal);
    const stop = new AbortController();
    const turn = pushTarget(engine, REF, stop.signal);
    await expect.poll(() => engine.deliveries.counts.length).toBe(1);
    stop.abort(new AppError({ code: "canceled", message: "the worker shuts down" }));
    await expect(turn).rejects.toMatchObject({ code: "canceled" });
    expect(engine.deliveries.reads).toEqual([]);
    expect(engine.deliveries.released).toEqual([1, 2]);
    giveBack();
  });
});
