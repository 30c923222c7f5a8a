import { AppError, Secret } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { RenewedSession, type AwsSession } from "./sessions.ts";

const LIFE_MS = 900_000;
const AHEAD_MS = 600_000;

class Clock {
  nowMs = 1_000_000;
  opened = 0;
  failure: AppError | undefined;

  readonly session = new RenewedSession({
    renewAheadMs: AHEAD_MS,
    now: () => this.nowMs,
    open: () => this.#open(),
  });

  #open(): Promise<AwsSession> {
    this.opened++;
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return Promise.resolve({
      accessKeyId: `ASIA${String(this.opened)}`,
      secretAccessKey: new Secret("s"),
      sessionToken: new Secret("t"),
      expiresAtMs: this.nowMs + LIFE_MS,
    });
  }

  async key(afterMs = 0): Promise<string> {
    this.nowMs += afterMs;
    return (await this.session.get()).accessKeyId;
  }
}

const REFUSED = new AppError({ code: "unauthenticated", message: "no" });
const AWAY = new AppError({ code: "unavailable", message: "away" });

describe("RenewedSession", () => {
  it("keeps a session until less than the wanted life is left", async () => {
    const clock = new Clock();
    expect(await clock.key()).toBe("ASIA1");
    expect(await clock.key(LIFE_MS - AHEAD_MS - 1)).toBe("ASIA1");
    expect(await clock.key(1)).toBe("ASIA2");
  });

  it("asks once for callers at the same time", async () => {
    const clock = new Clock();
    await Promise.all([clock.key(), clock.key(), clock.key()]);
    expect(clock.opened).toBe(1);
  });

  it("ends the access when a renewal is refused, although the session would live on", async () => {
    const clock = new Clock();
    await clock.key();
    clock.failure = REFUSED;
    await expect(clock.key(400_000)).rejects.toBe(REFUSED);
    await expect(clock.key()).rejects.toBe(REFUSED);
    expect(clock.opened).toBe(2);
  });

  it("asks again some seconds after a refusal", async () => {
    const clock = new Clock();
    clock.failure = REFUSED;
    await expect(clock.key()).rejects.toBe(REFUSED);
    clock.failure = undefined;
    expect(await clock.key(5_000)).toBe("ASIA2");
  });

  it("goes on with the session while the service is away, up to its last minute", async () => {
    const clock = new Clock();
    await clock.key();
    clock.failure = AWAY;
    expect(await clock.key(800_000)).toBe("ASIA1");
    expect(await clock.key(1_000)).toBe("ASIA1");
    expect(clock.opened).toBe(2);
    await expect(clock.key(39_001)).rejects.toBe(AWAY);
  });

  it("stops waiting when the caller gives up", async () => {
    const session = new RenewedSession({
      renewAheadMs: 0,
      open: () => new Promise(() => undefined),
    });
    const controller = new AbortController();
    const waiting = session.get(controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  });
});
