import { AppError, isAppError, MAX_RETRY_AFTER_MS } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { collectBody } from "./body.ts";
import { interceptDriver } from "./decorators/intercept.ts";
import type { DriverTraits, ListPage, ListRequest, StorageDriver } from "./driver.ts";
import { InjectedFault, withFaults } from "./memory/faults.ts";
import { MemoryDriver } from "./memory/memory-driver.ts";
import { ObjectStore } from "./object-store.ts";
import { calm, toBytes } from "./testing/case.ts";

const PLACE = { provider: "s3", place: "s3://cats/img" };

/** A store over a driver whose every call fails like this. */
function aFailingStore(error: unknown): ObjectStore {
  const driver = withFaults(new MemoryDriver(), {
    before: () => {
      throw error;
    },
  });
  return new ObjectStore(driver, PLACE);
}

/** A store whose listing gives these pages in turn, and the requests that it got. */
function aListedStore(pages: readonly Partial<ListPage>[], traits: Partial<DriverTraits> = {}) {
  const requests: ListRequest[] = [];
  const memory = new MemoryDriver({ traits });
  const driver: StorageDriver = {
    ...interceptDriver(memory, { call: (call, action) => action(call.ctx) }),
    listPage: (request) => {
      const page = { keys: [], sizes: [], etags: [], modified: [], ...pages[requests.length] };
      requests.push(request);
      return Promise.resolve(page);
    },
  };
  return { store: new ObjectStore(driver, PLACE), requests };
}

const columns = (...keys: readonly string[]) => ({
  keys,
  sizes: keys.map(() => 1),
  etags: keys.map(() => ""),
  modified: keys.map(() => 0),
});

async function errorOf(call: Promise<unknown>): Promise<AppError> {
  const error: unknown = await call.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!isAppError(error)) throw new TypeError(`no AppError: ${String(error)}`);
  return error;
}

async function keysOf(pages: AsyncIterable<ListPage>): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of pages) keys.push(...page.keys);
  return keys;
}

describe("errors of a store", () => {
  it("name provider, place, what the store said and what to do", async () => {
    const fault = new InjectedFault({
      code: "permission_denied",
      reason: "s3.denied",
      detail: "AccessDenied",
      hint: "allow s3:ListBucket on the bucket",
    });
    const error = await errorOf(aFailingStore(fault).pages({}, calm).next());
    expect(error).toMatchObject({
      code: "permission_denied",
      reason: "s3.denied",
      op: "storage.list",
      message: "s3: could not list s3://cats/img: AccessDenied; allow s3:ListBucket on the bucket",
      context: { provider: "s3", place: "s3://cats/img" },
      cause: fault,
    });
  });

  it("name the key, and carry the delay that the store asked for", async () => {
    const store = aFailingStore(new InjectedFault({ code: "rate_limited", retryAfterMs: 3_000 }));
    const error = await errorOf(store.stat("a/b.jpg", calm));
    expect(error).toMatchObject({
      op: "storage.stat",
      retry: "after_delay",
      retryAfterMs: 3_000,
      message:
        's3: could not look up "a/b.jpg" in s3://cats/img: the store asks for fewer requests',
      context: { key: "a/b.jpg" },
    });
  });

  it.each([121_000, 31_536_000_000, Infinity])(
    "do not carry a delay of %d ms, which would put an object off for ever",
    async (retryAfterMs) => {
      const store = aFailingStore(new InjectedFault({ code: "rate_limited", retryAfterMs }));
      expect(await errorOf(store.stat("a", calm))).toMatchObject({
        retryAfterMs: MAX_RETRY_AFTER_MS,
      });
    },
  );

  it("have an operation each", async () => {
    const store = aFailingStore(new InjectedFault({ code: "unavailable" }));
    const calls = [
      store.pages({}, calm).next(),
      store.stat("x", calm),
      store.read("x", {}, calm),
      store.put({ key: "x", body: toBytes("") }, calm),
      store.delete("x", calm),
      store.presignRead("x", { method: "GET", ttlSeconds: 1 }, calm),
    ];
    const errors = await Promise.all(calls.map(errorOf));
    expect(errors.map(({ op }) => op)).toEqual(
      ["list", "stat", "read", "put", "delete", "presign"].map((name) => `storage.${name}`),
    );
  });

  it("say nothing of an unknown error but its name and code", async () => {
    const unknown = Object.assign(new TypeError("password hunter2"), { code: "ERR_X" });
    const error = await errorOf(aFailingStore(unknown).stat("x", calm));
    expect(error.code).toBe("internal");
    expect(error.message).toBe(
      's3: could not look up "x" in s3://cats/img: an unexpected error (TypeError ERR_X)',
    );
  });

  it("show no signed URL, no token, no control characters", async () => {
    const detail =
      "GET https://h/x?X-Amz-Signature=abc123&x=1\nAuthorization: Bearer abcdefghijkl\u0007";
    const error = await errorOf(
      aFailingStore(new InjectedFault({ code: "unavailable", detail })).stat(
        "a\u202eb\u001b",
        calm,
      ),
    );
    expect(error.message).not.toMatch(/abc123|abcdefghijkl/);
    // eslint-disable-next-line no-control-regex -- that none is there is the point
    expect(error.message).not.toMatch(/[\u0000-\u001f\u202e]/);
    expect(error.message).toContain('"a\\u202eb\\u001b"');
  });

  it("stay readable for a key of a kilobyte", async () => {
    const error = await errorOf(
      aFailingStore(new InjectedFault({ code: "not_found" })).stat("k".repeat(1_000), calm),
    );
    expect(error.message.length).toBeLessThan(500);
  });

  it("keep what our own error says, also behind the error of an SDK", async () => {
    const refused = new AppError({
      code: "permission_denied",
      reason: "egress.private_address",
      message: "10.0.0.1 is private",
    });
    const wrapped = new TypeError("fetch failed", {
      cause: new TypeError("connect", { cause: refused }),
    });
    for (const error of [refused, wrapped]) {
      expect(await errorOf(aFailingStore(error).stat("x", calm))).toMatchObject({
        code: "permission_denied",
        reason: "egress.private_address",
        op: "storage.stat",
        message: 's3: could not look up "x" in s3://cats/img: 10.0.0.1 is private',
      });
    }
  });

  it("are not wrapped twice", async () => {
    const inner = new AppError({ code: "timeout", op: "other.op", message: "as it was" });
    expect(await errorOf(aFailingStore(inner).stat("x", calm))).toBe(inner);
  });

  it("are canceled whenever the caller has given up, whatever the driver says", async () => {
    const controller = new AbortController();
    const driver = withFaults(new MemoryDriver(), {
      before: () => {
        controller.abort();
        throw new InjectedFault({ code: "unavailable" });
      },
    });
    const store = new ObjectStore(driver, PLACE);
    expect(await errorOf(store.stat("x", { signal: controller.signal }))).toMatchObject({
      code: "canceled",
      retry: "never",
    });
  });
});

describe("a body from a store", () => {
  function aStoreOf(body: string, cutAfter?: number) {
    const memory = new MemoryDriver({ chunkBytes: 2 });
    memory.write("x", toBytes(body));
    return {
      memory,
      store: new ObjectStore(withFaults(memory, { cutBodyAfter: () => cutAfter }), PLACE),
    };
  }

  it("wraps an error in its middle, and is released", async () => {
    const { store, memory } = aStoreOf("abcdef", 3);
    const { body } = await store.read("x", {}, calm);
    const error = await errorOf(collectBody(body));
    expect(error).toMatchObject({ code: "unavailable", op: "storage.read" });
    expect(error.message).toContain('could not read "x" in s3://cats/img: the connection was cut');
    expect(memory.openBodies).toBe(0);
  });

  it("does not end early without an error", async () => {
    const { memory } = aStoreOf("abcdef");
    const short = interceptDriver(memory, {
      call: (call, action) => action(call.ctx),
      read: async (call, action) => {
        const { info } = await action(call.ctx);
        return {
          info,
          body: (await memory.read({ key: "x", range: { offset: 0, length: 4 } }, calm)).body,
        };
      },
    });
    const { body } = await new ObjectStore(short, PLACE).read("x", {}, calm);
    const error = await errorOf(collectBody(body));
    expect(error.code).toBe("unavailable");
    expect(error.message).toContain("the body ended 2 bytes too early");
  });

  it("asks for no range where everything is wanted", async () => {
    const { store } = aStoreOf("");
    const { body } = await store.read("x", { range: { offset: 0 } }, calm);
    expect((await collectBody(body)).byteLength).toBe(0);
  });
});

describe("pages of a store", () => {
  it("go on after an empty page that carries a cursor", async () => {
    const { store, requests } = aListedStore(
      [columns("a"), {}, columns("b")].map((page, index) => ({
        ...page,
        ...(index < 2 ? { cursor: `c${String(index)}` } : {}),
      })),
    );
    expect(await keysOf(store.pages({}, calm))).toEqual(["a", "b"]);
    expect(requests.map(({ cursor }) => cursor)).toEqual([undefined, "c0", "c1"]);
  });

  it("end with an error when the cursor does not advance", async () => {
    const { store } = aListedStore([{ cursor: "same" }, { cursor: "same" }]);
    const error = await errorOf(keysOf(store.pages({}, calm)));
    expect(error).toMatchObject({ code: "internal", op: "storage.list" });
    expect(error.message).toContain("does not advance");
    const resumed = aListedStore([{ cursor: "same" }]);
    expect((await errorOf(keysOf(resumed.store.pages({ cursor: "same" }, calm)))).code).toBe(
      "internal",
    );
  });

  it("end with an error when a key lies outside of the prefix", async () => {
    const { store } = aListedStore([columns("img/a", "other")]);
    expect((await errorOf(keysOf(store.pages({ prefix: "img/" }, calm)))).message).toContain(
      "outside of the prefix",
    );
  });

  it("are not fetched before somebody asks for them", async () => {
    const { store, requests } = aListedStore([{ cursor: "1" }, { cursor: "2" }, { cursor: "3" }]);
    const pages = store.pages({}, calm);
    await pages.next();
    await pages.return();
    expect(requests).toHaveLength(1);
  });

  it("ask for no more keys than the driver gives at once", async () => {
    const { store, requests } = aListedStore([{}, {}, {}], { pageSize: 50 });
    for (const limit of [undefined, 1_000, 7])
      await keysOf(store.pages(limit === undefined ? {} : { limit }, calm));
    expect(requests.map(({ limit }) => limit)).toEqual([50, 50, 7]);
  });

  it("drop keys up to `after` themselves where the driver cannot, and never ask it to", async () => {
    const page = { ...columns("d", "a", "c", "b"), sizes: [4, 1, 3, 2] };
    const { store, requests } = aListedStore([page], { listAfter: false, order: "none" });
    const pages = store.pages({ after: "b" }, calm);
    const first = await pages.next();
    expect(first.value).toMatchObject({
      keys: ["d", "c"],
      sizes: [4, 3],
      etags: ["", ""],
      modified: [0, 0],
    });
    expect(requests[0]).not.toHaveProperty("after");
  });

  it("show names below the root, those of unreadable entries too", async () => {
    const unreadable = [{ name: "root/b\\xff", code: "key_not_utf8", reason: "x" } as const];
    const { store: base } = aListedStore([]);
    const driver: StorageDriver = {
      ...interceptDriver(new MemoryDriver(), { call: (call, action) => action(call.ctx) }),
      listPage: () => Promise.resolve({ ...columns("root/a"), unreadable }),
    };
    const page = await new ObjectStore(driver, { ...PLACE, root: "root" }).pages({}, calm).next();
    expect(base.place).toBe("s3://cats/img");
    expect(page.value).toMatchObject({ keys: ["a"], unreadable: [{ name: "b\\xff" }] });
  });

  it("refuse a prefix that no listing can have", async () => {
    const { store, requests } = aListedStore([{}]);
    for (const options of [
      { prefix: "a\u0000" },
      { prefix: "\ud800" },
      { prefix: "img", recursive: false },
    ]) {
      expect((await errorOf(store.pages(options, calm).next())).code).toBe("invalid_input");
    }
    expect(requests).toEqual([]);
  });
});

describe("keys of a store", () => {
  it("are counted in bytes with the root, and refused before the driver is asked", async () => {
    const memory = new MemoryDriver({ traits: { maxKeyBytes: 10 } });
    memory.write("root/abcé", toBytes("x"));
    const store = new ObjectStore(memory, { ...PLACE, root: "root/" });
    expect((await store.stat("abcé", calm)).key).toBe("abcé");
    const error = await errorOf(store.stat("abcde\u00e9", calm));
    expect(error.message).toContain("the key has 12 bytes, at most 10 are taken");
  });
});
