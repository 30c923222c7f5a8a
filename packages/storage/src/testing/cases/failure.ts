import { isAppError, type ErrorCode } from "@bucketbridge/core";
import { expect } from "vitest";
import { interceptDriver } from "../../decorators/intercept.ts";
import { withTimeout } from "../../decorators/timeout.ts";
import type { StorageDriver } from "../../driver.ts";
import { calm, toBytes, type CaseContext, type ConformanceCase } from "../case.ts";
import type { HarnessFault } from "../harness.ts";

const group = "failure";

/** What a store in trouble does, and what becomes of it. */
const TROUBLES: readonly {
  readonly name: string;
  readonly fault: HarnessFault;
  readonly code: ErrorCode;
  readonly retryAfterMs?: number;
}[] = [
  {
    name: "maps 429 to rate_limited, with the time that Retry-After names",
    fault: { kind: "answer", status: 429, headers: { "retry-after": "7" } },
    code: "rate_limited",
    retryAfterMs: 7_000,
  },
  {
    name: "maps 429 without Retry-After to rate_limited",
    fault: { kind: "answer", status: 429 },
    code: "rate_limited",
  },
  {
    name: "maps 500 to unavailable",
    fault: { kind: "answer", status: 500 },
    code: "unavailable",
  },
  {
    name: "maps 502 to unavailable",
    fault: { kind: "answer", status: 502 },
    code: "unavailable",
  },
  {
    name: "maps a connection that is reset to unavailable",
    fault: { kind: "reset" },
    code: "unavailable",
  },
  {
    name: "maps a store that says nothing to timeout",
    fault: { kind: "silent" },
    code: "timeout",
  },
];

/** How failures must look. */
export const FAILURE_CASES: readonly ConformanceCase[] = [
  {
    group,
    name: "names provider, place and key in an error",
    run: async (t) => {
      const error: unknown = await t.store
        .stat("no/such.key", calm)
        .catch((caught: unknown) => caught);
      expect(isAppError(error, "not_found")).toBe(true);
      const { message } = error as Error;
      expect(message).toContain(t.harness.name);
      expect(message).toContain("no/such.key");
      expect(message).toContain(t.store.place);
      expect(message).not.toMatch(/\.$/);
      // Whatever a message says must be fit for a user's eyes: `outcome` looks for the secrets of the harness.
      expect(await t.outcome(t.store.read("no/such.key", {}, calm))).toBe("not_found");
    },
  },
  {
    group,
    name: "maps a missing bucket to not_found",
    missing: (harness) =>
      harness.openMissingBucket === undefined ? "the provider has no buckets" : undefined,
    run: async (t) => {
      await expectRefusal(t, await t.harness.openMissingBucket?.(), "not_found");
    },
  },
  {
    group,
    name: "maps credentials without the permission to permission_denied",
    missing: (harness) =>
      harness.openDenied === undefined ? "the service refuses nobody it knows" : undefined,
    run: async (t) => {
      await t.seed("x");
      await expectRefusal(t, await t.harness.openDenied?.(), "permission_denied");
    },
  },
  {
    group,
    name: "maps credentials that the store does not know to unauthenticated",
    missing: (harness) =>
      harness.openBadCredentials === undefined ? "the service has no credentials" : undefined,
    run: async (t) => {
      await t.seed("x");
      await expectRefusal(t, await t.harness.openBadCredentials?.(), "unauthenticated");
    },
  },
  ...TROUBLES.map(({ name, fault, code, retryAfterMs }): ConformanceCase => ({
    group,
    name,
    missing: (harness) =>
      harness.fail === undefined ? "the service cannot be brought into trouble" : undefined,
    run: async (t) => {
      await t.seed("x");
      if (t.harness.fail === undefined) return;
      const heal = t.harness.fail(fault);
      try {
        // As the processes open it: the deadline of a call is a decorator's.
        const timeoutMs = fault.kind === "silent" ? 500 : 20_000;
        const store = t.storeOf(withTimeout(t.driver, { timeoutMs, idleMs: timeoutMs }));
        const listing = store.pages({}, calm).next();
        const error: unknown = await listing.catch((caught: unknown) => caught);
        expect(error).toMatchObject({ code, retryAfterMs, op: "storage.list" });
        expect(await t.outcome(listing)).toBe(code);
      } finally {
        heal();
      }
      expect((await t.list()).keys).toEqual(["x"]);
    },
  })),
  {
    group,
    name: "reports an aborted signal as canceled, whatever is called",
    run: async (t) => {
      await t.seed("x");
      const ctx = { signal: AbortSignal.abort() };
      expect(await t.outcome(t.store.stat("x", ctx))).toBe("canceled");
      expect(await t.outcome(t.store.read("x", {}, ctx))).toBe("canceled");
      expect(await t.outcome(t.store.pages({}, ctx).next())).toBe("canceled");
      if (t.store.can("delete")) expect(await t.outcome(t.store.delete("x", ctx))).toBe("canceled");
      expect((await t.list()).keys).toEqual(["x"]);
    },
  },
  {
    group,
    name: "ends a body whose signal is aborted, and releases it",
    run: async (t) => {
      await t.harness.seed("large", new Uint8Array(4 * 1024 * 1024));
      const controller = new AbortController();
      const { body } = await t.store.read("large", {}, { signal: controller.signal });
      const chunks = body[Symbol.asyncIterator]();
      expect((await chunks.next()).done).toBe(false);
      controller.abort();
      expect(await t.outcome(drain(chunks))).toBe("canceled");
      if (t.harness.openBodies !== undefined) {
        await expect.poll(() => t.harness.openBodies?.(), { timeout: 2_000, interval: 10 }).toBe(0);
      }
    },
  },
  {
    group,
    name: "leaves errors that it does not know unexplained: they become internal",
    run: async (t) => {
      const strange: readonly unknown[] = [
        new Error("a bug of ours"),
        new TypeError("x"),
        "text",
        null,
        undefined,
        {},
      ];
      for (const error of strange) expect(t.driver.classifyError(error)).toBeUndefined();
      const broken = interceptDriver(t.driver, {
        call: () => Promise.reject(new Error("hunter2 leaked")),
      });
      const error: unknown = await t
        .storeOf(broken)
        .stat("x", calm)
        .catch((caught: unknown) => caught);
      expect(isAppError(error, "internal")).toBe(true);
      expect((error as Error).message).not.toContain("hunter2");
    },
  },
  {
    group,
    name: "closes twice, and takes no call afterwards",
    run: async (t) => {
      const driver = await t.harness.open();
      await driver.close();
      await driver.close();
      const store = t.storeOf(await t.harness.open());
      await store.close();
      await store.close();
      expect(await t.outcome(store.stat("x", calm))).toBe("internal");
    },
  },
];

async function drain(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  while ((await chunks.next()).done !== true);
}

/** Every call that needs the bucket must be refused in the same way. */
async function expectRefusal(
  t: CaseContext,
  driver: StorageDriver | undefined,
  code: ErrorCode,
): Promise<void> {
  expect(driver).toBeDefined();
  if (driver === undefined) return;
  const store = t.storeOf(driver);
  try {
    expect(await t.outcome(store.pages({}, calm).next()), "list").toBe(code);
    expect(await t.outcome(store.read("x", {}, calm)), "read").toBe(code);
    if (store.can("put"))
      expect(await t.outcome(store.put({ key: "x", body: toBytes("1") }, calm)), "put").toBe(code);
  } finally {
    await driver.close();
  }
}
