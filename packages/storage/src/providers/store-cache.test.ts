import { AppError } from "@bucketbridge/core";
import { makeRecordingLogger } from "@bucketbridge/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { StoreCache, type CachedStorage } from "./store-cache.ts";

/** A store that counts how often it was closed. */
class FakeStore {
  readonly name: string;
  closed = 0;
  failsToClose = false;

  constructor(name: string) {
    this.name = name;
  }

  close(): Promise<void> {
    this.closed++;
    return this.failsToClose ? Promise.reject(new TypeError("no answer")) : Promise.resolve();
  }
}

const nameOf = ({ id, settingsVersion }: CachedStorage): string =>
  `${String(id)}@${String(settingsVersion)}`;
const storage = (id: number, settingsVersion = 1): CachedStorage => ({ id, settingsVersion });
/** Closing happens behind the caller's back. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("StoreCache", () => {
  let opened: FakeStore[];
  let open: (storage: CachedStorage) => Promise<FakeStore>;
  let log: ReturnType<typeof makeRecordingLogger>;
  let cache: StoreCache<CachedStorage, FakeStore>;

  beforeEach(() => {
    opened = [];
    open = (wanted) => {
      const store = new FakeStore(nameOf(wanted));
      opened.push(store);
      return Promise.resolve(store);
    };
    log = makeRecordingLogger();
    cache = new StoreCache((wanted) => open(wanted), log);
  });

  const names = (): readonly string[] => opened.map(({ name }) => name);
  const closedNames = (): readonly string[] =>
    opened.filter(({ closed }) => closed > 0).map(({ name }) => name);

  it("opens once for everybody who asks at the same time, and again for nobody while it stays the same", async () => {
    const [a, b] = await Promise.all([cache.acquire(storage(1)), cache.acquire(storage(1))]);
    expect(a.opened).toBe(b.opened);
    a.release();
    b.release();
    (await cache.acquire(storage(1))).release();
    await settle();
    expect(names()).toEqual(["1@1"]);
    expect(closedNames()).toEqual([]);
  });

  it("opens anew when the settings have changed, and lets the last user of the old store close it", async () => {
    const first = await cache.acquire(storage(1, 1));
    const second = await cache.acquire(storage(1, 1));
    const changed = await cache.acquire(storage(1, 2));
    expect(changed.opened.name).toBe("1@2");
    first.release();
    await settle();
    expect(closedNames()).toEqual([]);
    second.release();
    await settle();
    expect(closedNames()).toEqual(["1@1"]);
    changed.release();
    await settle();
    expect(closedNames()).toEqual(["1@1"]);
  });

  it("closes an idle store at once when the settings have changed", async () => {
    (await cache.acquire(storage(1, 1))).release();
    await cache.acquire(storage(1, 2));
    await settle();
    expect(closedNames()).toEqual(["1@1"]);
  });

  it("counts a user who gives back twice once", async () => {
    const held = await cache.acquire(storage(1, 1));
    const other = await cache.acquire(storage(1, 1));
    await cache.acquire(storage(1, 2));
    held.release();
    held.release();
    await settle();
    expect(closedNames()).toEqual([]);
    other.release();
    await settle();
    expect(opened[0]?.closed).toBe(1);
  });

  it("tries again for the next caller when opening failed, and keeps the reason", async () => {
    const works = open;
    const failure = new AppError({ code: "invalid_config", message: "no such key" });
    open = () => Promise.reject(failure);
    const failed = Promise.allSettled([cache.acquire(storage(1)), cache.acquire(storage(1))]);
    for (const outcome of await failed)
      expect(outcome).toEqual({ status: "rejected", reason: failure });
    await cache.close();
    expect(log.lines).toEqual([]);
    open = works;
    expect((await cache.acquire(storage(1))).opened.name).toBe("1@1");
  });

  it("keeps the new store when opening the old one fails late", async () => {
    const works = open;
    let fail: (error: Error) => void = () => undefined;
    open = () =>
      new Promise((_resolve, reject) => {
        fail = reject;
      });
    const old = cache.acquire(storage(1, 1));
    open = works;
    const changed = await cache.acquire(storage(1, 2));
    fail(new TypeError("too late"));
    await expect(old).rejects.toThrow("too late");
    expect((await cache.acquire(storage(1, 2))).opened).toBe(changed.opened);
    expect(names()).toEqual(["1@2"]);
  });

  it("closes idle stores beyond 32, the least recently used first, and none that is in use", async () => {
    const inUse = await cache.acquire(storage(1));
    for (let id = 2; id <= 33; id++) (await cache.acquire(storage(id))).release();
    // Used again: no longer the oldest.
    (await cache.acquire(storage(2))).release();
    await settle();
    expect(closedNames()).toEqual([]);
    (await cache.acquire(storage(34))).release();
    (await cache.acquire(storage(35))).release();
    await settle();
    expect(closedNames()).toEqual(["3@1", "4@1"]);
    inUse.release();
    await settle();
    expect(closedNames()).toEqual(["1@1", "3@1", "4@1"]);
  });

  it("closes everything when it ends, in use or not, and each store once", async () => {
    const replaced = await cache.acquire(storage(1, 1));
    const held = await cache.acquire(storage(1, 2));
    (await cache.acquire(storage(2))).release();
    await cache.close();
    expect(closedNames()).toEqual(["1@1", "1@2", "2@1"]);
    replaced.release();
    held.release();
    await settle();
    expect(opened.map(({ closed }) => closed)).toEqual([1, 1, 1]);
  });

  it("waits for stores that are still being closed", async () => {
    const held = await cache.acquire(storage(1, 1));
    await cache.acquire(storage(1, 2));
    let closeNow: () => void = () => undefined;
    let isClosed = false;
    held.opened.close = async () => {
      await new Promise<void>((resolve) => (closeNow = resolve));
      isClosed = true;
    };
    held.release();
    const ended = cache.close();
    await settle();
    closeNow();
    await ended;
    expect(isClosed).toBe(true);
  });

  it("says in the log that a store could not be closed, and goes on", async () => {
    const held = await cache.acquire(storage(1));
    held.opened.failsToClose = true;
    held.release();
    await cache.close();
    expect(log.find("storage.close.failed")).toHaveLength(1);
  });
});
