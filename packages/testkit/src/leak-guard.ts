import { getActiveResourcesInfo } from "node:process";
import { afterAll, expect } from "vitest";
import { waitFor } from "./wait-for.ts";

/** What a test file opens and must close: servers, connections and child processes. */
const WATCHED = new Set(["TCPServerWrap", "TCPSocketWrap", "ProcessWrap"]);
/** The last connection may still be closing when the tests have ended. */
const GRACE_MS = 5_000;

function listOpen(): string[] {
  return getActiveResourcesInfo().filter((name) => WATCHED.has(name));
}

const before = listOpen();

// Registered before the hooks of the file, so it runs after them.
afterAll(async () => {
  const isTidy = (): boolean => listOpen().length <= before.length;
  await waitFor(isTidy, { timeoutMs: GRACE_MS }).catch(() => undefined);
  expect(listOpen(), "left open after the last test of the file").toEqual(before);
}, GRACE_MS * 2);
