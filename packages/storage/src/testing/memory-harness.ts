import type { ErrorCode } from "@bucketbridge/core";
import type { StorageDriver } from "../driver.ts";
import { InjectedFault, withFaults } from "../memory/faults.ts";
import { MemoryDriver, type MemoryDriverOptions } from "../memory/memory-driver.ts";
import type { DriverHarness } from "./harness.ts";

/** The memory driver for the suite, behind `wrap`: this is how decorators are tested. */
export function memoryHarness(
  options: MemoryDriverOptions & { readonly wrap?: (driver: MemoryDriver) => StorageDriver } = {},
): Promise<DriverHarness> {
  // Half a second passes with each fetch, so that nobody waits for a URL to expire.
  let fetches = 0;
  const memory = new MemoryDriver({ now: () => Date.now() + fetches * 500, ...options });
  const wrap = options.wrap ?? ((driver: MemoryDriver): StorageDriver => driver);
  return Promise.resolve({
    name: "memory",
    service: "memory",
    open: () => Promise.resolve(wrap(memory)),
    openMissingBucket: () => refusing(memory, "not_found"),
    openDenied: () => refusing(memory, "permission_denied"),
    openLister: () => Promise.resolve(wrap(restrict(memory, "listPage"))),
    openWriter: () => Promise.resolve(wrap(restrict(memory, "put"))),
    openBadCredentials: () => refusing(memory, "unauthenticated"),
    seed: (key, body) => {
      memory.write(key, body);
      return Promise.resolve();
    },
    clear: () => {
      memory.clear();
      return Promise.resolve();
    },
    fetch: (url, method) => {
      fetches++;
      return Promise.resolve(memory.fetch(url, method));
    },
    openBodies: () => memory.openBodies,
    dispose: () => Promise.resolve(),
  });
}

/** A driver on a bucket that refuses every call. */
function refusing(memory: MemoryDriver, code: ErrorCode): Promise<StorageDriver> {
  const before = (): never => {
    throw new InjectedFault({ code, detail: "as the test asked for" });
  };
  return Promise.resolve(withFaults(memory, { before }));
}

const CALLS = ["listPage", "stat", "read", "put", "delete", "presignRead"] as const;

/** The bucket for somebody who may do one thing alone. Below `wrap`, so that it refuses what a decorator does by itself too. */
function restrict(memory: MemoryDriver, allowed: (typeof CALLS)[number]): MemoryDriver {
  const refuse = (): Promise<never> =>
    Promise.reject(new InjectedFault({ code: "permission_denied" }));
  const refused = new Map<string | symbol, unknown>(
    CALLS.filter((call) => call !== allowed).map((call) => [call, refuse]),
  );
  const classifyError: MemoryDriver["classifyError"] = (error) =>
    error instanceof InjectedFault ? error.class : memory.classifyError(error);
  refused.set("classifyError", classifyError);
  return new Proxy(memory, {
    get: (target, name) => {
      const member: unknown = refused.get(name) ?? Reflect.get(target, name, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}
