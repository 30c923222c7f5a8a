import { constants, existsSync, type BigIntStats } from "node:fs";
import {
  link,
  lstat,
  mkdir,
  open,
  readlink,
  realpath,
  rename,
  rm,
  unlink,
  type FileHandle,
} from "node:fs/promises";
import path from "node:path";
import type { LocalRoot } from "./credentials.ts";
import { errnoOf, linkFault, LocalFilesFault } from "./errors.ts";
import { OpenDirectory } from "./open-directory.ts";
import { AbandonedFiles, makeTemporaryName } from "./temporary-files.ts";

/** Windows has no such flag, and no links without special rights. */
const NO_FOLLOW = (constants.O_NOFOLLOW as number | undefined) ?? 0;
const DIRECTORY = (constants.O_DIRECTORY as number | undefined) ?? 0;
/** A FIFO must not block the open, a terminal must not become ours. */
const READ_FILE =
  constants.O_RDONLY |
  NO_FOLLOW |
  ((constants.O_NONBLOCK as number | undefined) ?? 0) |
  ((constants.O_NOCTTY as number | undefined) ?? 0);
const CREATE_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
const OPEN_DIRECTORY = constants.O_RDONLY | DIRECTORY | NO_FOLLOW;

/** Where Linux tells what a descriptor really is; elsewhere paths are resolved before and after. */
const PROC_FD = "/proc/self/fd";

/** A file to be written. */
export interface WholeFile {
  readonly body: Uint8Array;
  readonly mustBeAbsent: boolean;
  readonly signal: AbortSignal;
}

/**
 * Opens, makes and removes files below a root, and nothing outside of it. The proof is made on the open descriptor: its
 * real path must be exactly the one that was asked for, so no link is followed, not even one that appears in between.
 */
export class FileAccess {
  readonly #hasProcFd: boolean;
  readonly #abandoned = new AbandonedFiles();

  constructor(hasProcFd: boolean = existsSync(PROC_FD)) {
    this.#hasProcFd = hasProcFd;
  }

  /** A regular file; anything else is `not_found`. The caller closes it. */
  async openFile(root: LocalRoot, segments: readonly string[]): Promise<FileHandle> {
    const target = path.join(root.directory, ...segments);
    const handle = await this.#open(root, segments, READ_FILE);
    try {
      await this.#assertIsAt(handle, target);
      if ((await handle.stat()).isFile()) return handle;
      throw new LocalFilesFault({ code: "not_found", detail: "it is no regular file" });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** A folder. The caller closes it. */
  async openDirectory(root: LocalRoot, segments: readonly string[]): Promise<OpenDirectory> {
    const target = path.join(root.directory, ...segments);
    const handle = await this.#open(root, segments, OPEN_DIRECTORY);
    try {
      await this.#assertIsAt(handle, target);
    } catch (error) {
      await handle.close();
      throw error;
    }
    const descriptorPath = this.#hasProcFd ? `${PROC_FD}/${String(handle.fd)}` : undefined;
    return new OpenDirectory(
      handle,
      { descriptorPath, verify: () => this.#assertIsAt(handle, target) },
      target,
    );
  }

  /**
   * Writes a whole file or nothing: a new file in the same folder, flushed, then renamed. Missing folders are made.
   * `mustBeAbsent`: an existing file stays and the call rejects with EEXIST. Gives the stats of what was written, also
   * when somebody else has replaced it since.
   */
  async writeFile(
    root: LocalRoot,
    segments: readonly string[],
    content: WholeFile,
  ): Promise<BigIntStats> {
    const directory = await this.#ensureDirectory(root, segments.slice(0, -1));
    const temporary = directory.pathOf(makeTemporaryName());
    const target = directory.pathOf(segments.at(-1) ?? "");
    try {
      const stats = await writeNew(temporary, content);
      await directory.verify();
      content.signal.throwIfAborted();
      // A link fails where a file stands, a rename replaces it; neither follows a link that has the name.
      if (content.mustBeAbsent) await linkNew(temporary, target);
      else await rename(temporary, target);
      await directory.flush();
      await this.#abandoned.sweep(directory, path.dirname(path.join(root.directory, ...segments)));
      return stats;
    } finally {
      await rm(temporary, { force: true });
      await directory.close();
    }
  }

  /** Removes a regular file. Whatever is gone already, or is no regular file, is no object: nothing happens. */
  async removeFile(root: LocalRoot, segments: readonly string[]): Promise<void> {
    let directory: OpenDirectory | undefined;
    try {
      directory = await this.openDirectory(root, segments.slice(0, -1));
      const target = directory.pathOf(segments.at(-1) ?? "");
      if (!(await lstat(target)).isFile()) return;
      await directory.verify();
      await unlink(target);
      await directory.flush();
    } catch (error) {
      if (!["ENOENT", "ENOTDIR"].includes(errnoOf(error))) throw error;
    } finally {
      await directory?.close();
    }
  }

  async #ensureDirectory(root: LocalRoot, segments: readonly string[]): Promise<OpenDirectory> {
    try {
      return await this.openDirectory(root, segments);
    } catch (error) {
      if (errnoOf(error) === "ENOTDIR") throw blockedFolder();
      if (errnoOf(error) !== "ENOENT") throw error;
    }
    let current = await this.openDirectory(root, []);
    for (const depth of segments.keys()) {
      try {
        await makeDirectory(current.pathOf(segments[depth] ?? ""));
        const next = await this.openDirectory(root, segments.slice(0, depth + 1));
        await current.close();
        current = next;
      } catch (error) {
        await current.close();
        throw errnoOf(error) === "ENOTDIR" ? blockedFolder() : error;
      }
    }
    return current;
  }

  async #open(root: LocalRoot, segments: readonly string[], flags: number): Promise<FileHandle> {
    try {
      return await open(path.join(root.directory, ...segments), flags);
    } catch (error) {
      // What lies behind a link is refused alike whether it exists or not.
      if (["ENOENT", "ENOTDIR"].includes(errnoOf(error))) await assertNoLink(root, segments);
      throw error;
    }
  }

  async #assertIsAt(handle: FileHandle, target: string): Promise<void> {
    if (!this.#hasProcFd) {
      if ((await realpath(target)) !== target) throw linkFault();
      return;
    }
    const real = await readlink(`${PROC_FD}/${String(handle.fd)}`);
    // A file that was replaced after it was opened is the right one still.
    if (real !== target && real !== `${target} (deleted)`) throw linkFault();
  }
}

async function writeNew(target: string, { body, signal }: WholeFile): Promise<BigIntStats> {
  const handle = await open(target, CREATE_FILE, 0o666);
  try {
    await handle.writeFile(body, { signal });
    await handle.sync();
    return await handle.stat({ bigint: true });
  } finally {
    await handle.close();
  }
}

async function linkNew(existing: string, target: string): Promise<void> {
  try {
    await link(existing, target);
  } catch (error) {
    if (!["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"].includes(errnoOf(error))) throw error;
    throw new LocalFilesFault({
      code: "unsupported",
      detail: "this file system has no hard links, which writing on a condition needs",
    });
  }
}

/** Rejects when a part of the path is a link. */
async function assertNoLink(root: LocalRoot, segments: readonly string[]): Promise<void> {
  for (const depth of segments.keys()) {
    const part = path.join(root.directory, ...segments.slice(0, depth + 1));
    try {
      if ((await lstat(part)).isSymbolicLink()) throw linkFault();
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(errnoOf(error))) return;
      throw error;
    }
  }
}

async function makeDirectory(target: string): Promise<void> {
  try {
    await mkdir(target);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

function blockedFolder(): LocalFilesFault {
  return new LocalFilesFault({
    code: "invalid_input",
    reason: "localfiles.file_in_the_way",
    detail: "a part of the key is a file already, so it cannot be a folder",
  });
}
