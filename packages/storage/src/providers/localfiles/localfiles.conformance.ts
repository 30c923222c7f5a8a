import {
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  realpath,
  rm,
  utimes,
  writeFile,
} from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { describeDriverConformance } from "../../testing/conformance.ts";
import { LocalFilesDriver } from "./driver.ts";

describeDriverConformance(async () => {
  const documentRoot = await realpath(await mkdtemp(path.join(os.tmpdir(), "localfiles-")));
  const folder = path.join(documentRoot, "set");
  const policy = { documentRoot, servingEnabled: true };
  let writes = 0;
  const open = (name: string) =>
    Promise.resolve(new LocalFilesDriver({ path: path.join(documentRoot, name) }, policy));
  return {
    name: "localfiles",
    service: "folder",
    open: () => open("set"),
    openMissingBucket: () => open("missing"),
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
    openBodies: async () => {
      const links = (await readdir("/proc/self/fd")).map((fd) =>
        readlink(`/proc/self/fd/${fd}`).catch(() => ""),
      );
      return (await Promise.all(links)).filter((file) => file.startsWith(folder)).length;
    },
    dispose: () => rm(documentRoot, { recursive: true }),
  };
});
