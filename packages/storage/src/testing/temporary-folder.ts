import { existsSync } from "node:fs";
import { mkdtemp, readdir, readlink, realpath, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

/** A folder of its own for one test file; its real path, since the system's temporary folder may be a link. */
export async function makeTemporaryFolder(): Promise<{
  path: string;
  remove: () => Promise<void>;
}> {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), "bucketbridge-")));
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Linux tells which files a process has open; elsewhere tests of it are skipped. */
export const HAS_PROC_FD = existsSync("/proc/self/fd");

/** Files below a folder that this process has open. */
export async function listOpenFiles(folder: string): Promise<string[]> {
  const names = await readdir("/proc/self/fd");
  // A descriptor may be gone by the time it is looked at, like that of this very listing.
  const links = names.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
  return (await Promise.all(links)).filter((file) => file.startsWith(folder));
}
