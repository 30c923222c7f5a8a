import { describe, expect, it } from "vitest";
import { untilAborted } from "./abort.ts";

describe("untilAborted", () => {
  it("gives what the work gives", async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(Promise.resolve(1), signal)).toBe(1);
    await expect(untilAborted(Promise.reject(new TypeError("broken")), signal)).rejects.toThrow(
      "broken",
    );
  });

  it("does not wait for work that does not end", async () => {
    const leaving = new AbortController();
    const waiting = untilAborted(new Promise(() => undefined), leaving.signal);
    leaving.abort(new TypeError("left"));
    await expect(waiting).rejects.toThrow("left");
    await expect(untilAborted(new Promise(() => undefined), leaving.signal)).rejects.toThrow(
      "left",
    );
  });

  it("leaves the work to those who stay, and its failure to nobody", async () => {
    const work = Promise.withResolvers<number>();
    const leaving = new AbortController();
    const staying = untilAborted(work.promise, new AbortController().signal);
    const left = untilAborted(work.promise, leaving.signal);
    leaving.abort(new TypeError("left"));
    await expect(left).rejects.toThrow("left");
    work.reject(new TypeError("broken"));
    await expect(staying).rejects.toThrow("broken");
  });
});
