import { describe, expect, it } from "vitest";
import { MemoryDriver } from "../memory/memory-driver.ts";
import { calm, toBytes } from "../testing/case.ts";
import { interceptDriver } from "./intercept.ts";
import { withLimit } from "./limit.ts";

/** Lets everything that is ready run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A driver whose calls wait until they are let go, at most `concurrency` at a time. */
function aSlowDriver(concurrency: number) {
  const memory = new MemoryDriver();
  memory.write("x", toBytes("body"));
  const doors: (() => void)[] = [];
  const slow = interceptDriver(memory, {
    call: async (call, action) => {
      await new Promise<void>((resolve) => doors.push(resolve));
      return action(call.ctx);
    },
    read: (call, action) => action(call.ctx),
  });
  return { driver: withLimit(slow, concurrency), memory, doors };
}

describe("withLimit", () => {
  it("lets so many calls through at a time, the others in their order", async () => {
    const { driver, doors } = aSlowDriver(2);
    const ended: number[] = [];
    const calls = [0, 1, 2, 3].map((index) => driver.stat("x", calm).then(() => ended.push(index)));
    await settle();
    expect(doors).toHaveLength(2);
    doors[0]?.();
    await settle();
    expect(doors).toHaveLength(3);
    expect(ended).toEqual([0]);
    for (const index of [1, 2, 3]) {
      doors[index]?.();
      await settle();
    }
    await Promise.all(calls);
    expect(ended).toEqual([0, 1, 2, 3]);
  });

  it("frees the place of a call that fails", async () => {
    const { driver, doors } = aSlowDriver(1);
    const failing = driver.stat("missing", calm);
    const next = driver.stat("x", calm);
    await settle();
    doors[0]?.();
    await expect(failing).rejects.toThrow();
    await settle();
    doors[1]?.();
    expect((await next).size).toBe(4);
  });

  it("stops waiting for a place when the caller gives up, and does not lose the place", async () => {
    const { driver, doors } = aSlowDriver(1);
    const holding = driver.stat("x", calm);
    const controller = new AbortController();
    const waiting = driver.stat("x", { signal: controller.signal });
    const behind = driver.stat("x", calm);
    await settle();
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    doors[0]?.();
    await holding;
    await settle();
    expect(doors).toHaveLength(2);
    doors[1]?.();
    await behind;
  });

  it.each(["read to its end", "given back", "aborted"])(
    "counts a body until it is %s",
    async (ending) => {
      const { driver } = aSlowDriver(1);
      const controller = new AbortController();
      const { body } = await driver.read({ key: "x" }, { signal: controller.signal });
      let isOpen = false;
      const second = driver.read({ key: "x" }, calm).then(() => (isOpen = true));
      const chunks = body[Symbol.asyncIterator]();
      await chunks.next();
      await settle();
      expect(isOpen).toBe(false);
      if (ending === "aborted") controller.abort();
      else if (ending === "given back") await chunks.return?.();
      else await chunks.next();
      await second;
      expect(isOpen).toBe(true);
    },
  );
});
