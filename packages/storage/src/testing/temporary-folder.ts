import { mkdtemp, realpath, rm } from "node:fs/promises";
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
