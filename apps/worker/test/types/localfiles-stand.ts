import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TypeStand } from "./type-stand.ts";

/** A folder below a document root of its own. */
export function openLocalFilesStand(): Promise<TypeStand> {
  const documentRoot = realpathSync(mkdtempSync(path.join(tmpdir(), "bucketbridge-local-")));
  const folder = path.join(documentRoot, "set");
  mkdirSync(folder);
  return Promise.resolve({
    type: "localfiles",
    settings: { path: folder },
    secrets: {},
    worker: { localFiles: { documentRoot, servingEnabled: true } },
    referencePrefix: "/data/local-files/?d=set/",
    seed: (key, body) => {
      const file = path.join(folder, key);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, body);
    },
    keys: () =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => path.relative(folder, path.join(parentPath, name))),
    read: (key) => readFileSync(path.join(folder, key), "utf8"),
    close: () => {
      rmSync(documentRoot, { recursive: true });
      return Promise.resolve();
    },
  });
}
