import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import type { LocalFilesPolicy } from "../provider-deps.ts";
import { errnoOf, LocalFilesFault } from "./errors.ts";
import type { LocalfilesSettings } from "./settings.ts";

// Local files have no credentials. What lets a storage in is the operator's policy, checked on every call.

/** A place that the policy allows, with every link of its path resolved. */
export interface LocalRoot {
  /** Real path of the folder. Nothing outside of it is ever opened. */
  readonly directory: string;
  /** Set when the storage is this one file of the folder. */
  readonly fileName?: string;
}

/**
 * Checks the path of a storage against the contract's rules, in its order and with its sentences (ls-api §7.6): set,
 * exists, not the document root, inside of it, serving enabled. Links are resolved before "inside" is decided. Rejects
 * with a `LocalFilesFault` or the system's error.
 */
export async function resolveRoot(
  { path: wanted }: LocalfilesSettings,
  policy: LocalFilesPolicy,
): Promise<LocalRoot> {
  if (wanted === "") {
    throw new LocalFilesFault({
      code: "invalid_config",
      reason: "localfiles.path_missing",
      detail: "Path must be set for Local Files storage",
    });
  }
  const real = await realPathOf(wanted);
  if (policy.documentRoot !== undefined) await assertInside(wanted, real, policy.documentRoot);
  if (!policy.servingEnabled || policy.documentRoot === undefined) {
    throw new LocalFilesFault({
      code: "invalid_config",
      reason: "localfiles.serving_disabled",
      detail:
        "Serving local files from the host filesystem can be a security risk, so LOCAL_FILES_SERVING_ENABLED is disabled by default. " +
        'To enable Local Files storage, set the LOCAL_FILES_SERVING_ENABLED environment variable to "true" and restart Label Studio. ' +
        "See https://labelstud.io/guide/storage.html#Local-storage for details.\n\n " +
        'Community tip: create a "mydata" or "label-studio-data" directory next to the Label Studio command to auto-enable ' +
        "LOCAL_FILES_DOCUMENT_ROOT when the environment variables are unset.",
    });
  }
  const stats = await stat(real);
  if (stats.isDirectory()) return { directory: real };
  if (stats.isFile()) return { directory: path.dirname(real), fileName: path.basename(real) };
  throw new LocalFilesFault({
    code: "invalid_config",
    reason: "localfiles.no_folder",
    detail: `Absolute local path "${wanted}" is neither a folder nor a file`,
  });
}

async function realPathOf(wanted: string): Promise<string> {
  const missing = new LocalFilesFault({
    code: "not_found",
    reason: "localfiles.path_not_found",
    detail: `Absolute local path "${wanted}" does not exist`,
  });
  if (!path.isAbsolute(wanted)) throw missing;
  try {
    return await realpath(wanted);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error))) throw missing;
    throw error;
  }
}

async function assertInside(wanted: string, real: string, documentRoot: string): Promise<void> {
  const root = path.resolve(documentRoot);
  const realRoot = await realPathOf(root);
  const example = path.join(root, "dataset1");
  if (wanted === root || real === realRoot) {
    throw new LocalFilesFault({
      code: "invalid_config",
      reason: "localfiles.is_document_root",
      detail:
        `Absolute local path "${wanted}" cannot be the same as LOCAL_FILES_DOCUMENT_ROOT="${root}" by security reasons. ` +
        `Please add a subdirectory. For example: "${example}".`,
    });
  }
  if (isBelow(wanted, root) && isBelow(real, realRoot)) return;
  const link = isBelow(wanted, root) ? " The path is a link that leads out of it." : "";
  throw new LocalFilesFault({
    code: "invalid_config",
    reason: "localfiles.outside_document_root",
    detail:
      `Absolute local path "${wanted}" must be a subdirectory of LOCAL_FILES_DOCUMENT_ROOT="${root}" by security reasons. ` +
      `For example: "${example}".${link}`,
  });
}

/** Strictly below, by whole segments: `/data/ab` is not below `/data/a`. */
function isBelow(child: string, parent: string): boolean {
  return (
    child !== parent && child.startsWith(parent.endsWith(path.sep) ? parent : parent + path.sep)
  );
}
