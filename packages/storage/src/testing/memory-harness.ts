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
