import { mkdir, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { describeDriverConformance } from "../../testing/conformance.ts";
import { HAS_PROC_FD, listOpenFiles, makeTemporaryFolder } from "../../testing/temporary-folder.ts";
import { FileAccess } from "./client.ts";
import { LocalFilesDriver } from "./driver.ts";

/** By descriptor where the system can; and by path, as everywhere else. */
for (const isByDescriptor of new Set([HAS_PROC_FD, false])) {
  describeDriverConformance(async () => {
    const temporary = await makeTemporaryFolder();
    const folder = path.join(temporary.path, "set");
    const policy = { documentRoot: temporary.path, servingEnabled: true };
    const access = new FileAccess(isByDescriptor);
    const open = (wanted: string) =>
      Promise.resolve(new LocalFilesDriver({ path: wanted }, policy, access));
    let writes = 0;
    return {
      name: "localfiles",
      service: "folder",
      open: () => open(folder),
      openMissingBucket: () => open(path.join(temporary.path, "missing")),
      seed: async (key, body) => {
        const file = path.join(folder, key);
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, body);
        // Writes within one tick of the clock look the same.
        await utimes(file, 1_700_000_000, 1_700_000_000 + ++writes);
      },
      clear: async () => {
        await rm(folder, { recursive: true, force: true });
        await mkdir(folder);
      },
      ...(HAS_PROC_FD ? { openBodies: async () => (await listOpenFiles(folder)).length } : {}),
      dispose: temporary.remove,
    };
  });
}
