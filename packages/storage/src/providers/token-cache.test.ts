import { describe, expect, it } from "vitest";
import { TokenCache } from "./token-cache.ts";

const calm = new AbortController().signal;
const HOUR_MS = 3_600_000;

/** A cache with a clock of its own. */
function makeCache(lifeMs = HOUR_MS) {
  const state = { now: 1_000_000, fetched: 0, gate: Promise.resolve() };
  const cache = new TokenCache(
    async () => {
      state.fetched += 1;
      const token = `t${String(state.fetched)}`;
      await state.gate;
      return { token, expiresAt: state.now + lifeMs };
    },
    () => state.now,
  );
  return { state, cache };
}

describe("tokens", () => {
  it("are kept until five minutes before their end", async () => {
    const { state, cache } = makeCache();
    expect(await cache.get(calm)).toBe("t1");
    state.now += HOUR_MS - 5 * 60_000 - 1;
    expect(await cache.get(calm)).toBe("t1");
    state.now += 1;
    expect(await cache.get(calm)).toBe("t2");
  });

  it("of a short life are renewed at three quarters of it", async () => {
    const { state, cache } = makeCache(60_000);
    await cache.get(calm);
    state.now += 44_000;
    expect(await cache.get(calm)).toBe("t1");
    state.now += 1_000;
    expect(await cache.get(calm)).toBe("t2");
  });

  it("that a service refused are not given again, and only these", async () => {
    const { cache } = makeCache();
    await cache.get(calm);
    expect(await cache.get(calm, "t0")).toBe("t1");
    expect(await cache.get(calm, "t1")).toBe("t2");
  });

  it("come to the others when one caller gives up", async () => {
    const { state, cache } = makeCache();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    state.gate = promise;
    const controller = new AbortController();
    const impatient = cache.get(controller.signal);
    const patient = cache.get(calm);
    controller.abort();
    await expect(impatient).rejects.toMatchObject({ name: "AbortError" });
    resolve(undefined);
    expect(await patient).toBe("t1");
    expect(state.fetched).toBe(1);
  });
});
