import path from "node:path";
import { AppError } from "@bucketbridge/core";
import { classifyFailure } from "../../failure.ts";
import { defineProvider } from "../definition.ts";
import { LocalFilesDriver } from "./driver.ts";
import { localfilesSettings, toAbsolutePath, toKey, toQuotedPath } from "./settings.ts";

/** Files of the machine that the processes run on, below the operator's document root. */
export const localfilesProvider = defineProvider({
  name: "localfiles",
  title: "Local files",
  settings: localfilesSettings,
  form: [{ name: "path", label: "Absolute local path", type: "text", required: true }],
  referencePrefix: () => "/data/local-files/?d=",
  toReference: (settings, key, { documentRoot }) =>
    toQuotedPath(toAbsolutePath(settings, key), documentRoot),
  toDisplayKey: toAbsolutePath,
  fromDisplayKey: toKey,
  filterName: (key) => path.posix.basename(key),
  describe: (settings) => settings.path,
  open: (settings, deps) => Promise.resolve(new LocalFilesDriver(settings, deps.localFiles)),
  validate: async (driver, _settings, { signal }) => {
    try {
      await driver.listPage({ prefix: "", recursive: false, limit: 1 }, { signal });
    } catch (error) {
      const known = classifyFailure(driver, error, signal);
      throw new AppError({
        code: known?.code ?? "internal",
        reason: known?.reason,
        message: known?.detail ?? "the folder cannot be listed",
        cause: error,
      });
    }
  },
});
