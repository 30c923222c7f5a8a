import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { flag } from "../texts.ts";

/** Folders that the contract finds by itself in the directory of the program, in this order (ls-api §7.7). */
const WELL_KNOWN_FOLDERS = ["mydata", "label-studio-data"] as const;

const documentRoot = z.string().refine((text) => path.isAbsolute(text), "must be an absolute path");

/** Local files as the environment names them. */
export const localFilesSlice = defineSlice({
  name: "localFiles",
  schema: z.object({ documentRoot: documentRoot.optional(), servingEnabled: flag.optional() }),
  variables: {
    documentRoot: {
      env: "LOCAL_FILES_DOCUMENT_ROOT",
      contract: true,
      defaultText: "./mydata or ./label-studio-data where one exists, else none",
      meaning: "folder that holds every local-files storage; without it local files are off",
    },
    servingEnabled: {
      env: "LOCAL_FILES_SERVING_ENABLED",
      contract: true,
      defaultText: "true where a folder was found by itself, else false",
      meaning: "local-files storages may be connected and their files are served",
    },
  },
});

/** Where local files may lie, decided. */
export interface LocalFilesPolicy {
  readonly documentRoot: string | undefined;
  readonly servingEnabled: boolean;
}

/**
 * Fills in what the environment left open: where it names neither root nor serving, a folder `mydata` or
 * `label-studio-data` in `directory` becomes the root and is served. Unlike the contract, which then takes the root of the
 * file system, no root means that local files are off.
 */
export function resolveLocalFiles(
  { documentRoot: root, servingEnabled }: z.output<typeof localFilesSlice.schema>,
  directory: string,
): LocalFilesPolicy {
  if (root !== undefined)
    return { documentRoot: path.resolve(root), servingEnabled: servingEnabled ?? false };
  if (servingEnabled !== undefined) return { documentRoot: undefined, servingEnabled };
  const found = WELL_KNOWN_FOLDERS.map((name) => path.resolve(directory, name)).find(isFolder);
  return { documentRoot: found, servingEnabled: found !== undefined };
}

function isFolder(candidate: string): boolean {
  return existsSync(candidate) && statSync(candidate).isDirectory();
}
