import { describe, expect, it } from "vitest";
import { ByteBudget } from "./byte-budget.ts";

const signal = new AbortController().signal;

describe("ByteBudget", () => {
  it("lets requests wait until bytes are given back, in their order", async () => {
    const budget = new ByteBudget(10);
    const order: string[] = [];
    const first = await budget.acquire(8, signal);
    const second = budget.acquire(6, signal).then((free) => (order.push("second"), free));
    const third = budget.acquire(2, signal).then((free) => (order.push("third"), free));
    await Promise.resolve();
    expect(order).toEqual([]);
    first();
    const free = await Promise.all([second, third]);
    expect(order).toEqual(["second", "third"]);
    free.forEach((give) => {
      give();
    });
    expect(budget.usedBytes).toBe(0);
  });

  it("admits a request beyond the whole budget when nothing else is held", async () => {
    const budget = new ByteBudget(10);
    const free = await budget.acquire(1_000, signal);
    expect(budget.usedBytes).toBe(10);
    free();
    free();
    expect(budget.usedBytes).toBe(0);
  });

  it("forgets a request that was canceled while it waited", async () => {
    const budget = new ByteBudget(10);
    const free = await budget.acquire(10, signal);
    const controller = new AbortController();
    const waiting = budget.acquire(5, controller.signal);
    const behind = budget.acquire(5, signal);
    controller.abort(new DOMException("stopped", "AbortError"));
    await expect(waiting).rejects.toThrow("stopped");
    free();
    (await behind)();
    expect(budget.usedBytes).toBe(0);
  });
});
