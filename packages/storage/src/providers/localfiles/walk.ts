import type { Dirent } from "node:fs";
import { lstat, opendir } from "node:fs/promises";
import { fromByteString } from "./byte-string.ts";
import type { FileAccess } from "./client.ts";
import type { LocalRoot } from "./credentials.ts";
import { errnoOf, LocalFilesFault } from "./errors.ts";
import type { OpenDirectory } from "./open-directory.ts";
import { TEMPORARY_NAME } from "./temporary-files.ts";

/** What a walk finds: a file, or a name or folder that cannot be listed. */
export interface WalkedEntry {
  readonly kind: "file" | "key_not_utf8" | "folder_unreadable";
  /** Folder part with its slash at the end, "" for the top; a byte string. */
  readonly folder: string;
  /** Last part; that of a folder ends with a slash. A byte string. */
  readonly name: string;
}

/** Which files, and where to start. All byte strings. */
export interface WalkOptions {
  readonly prefix: string;
  readonly recursive: boolean;
  /** Only what is strictly greater. */
  readonly after?: string | undefined;
}

/** Names of one walk that are held at a time, so that a folder of millions does not fill the memory. */
const MAX_HELD_NAMES = 65_536;
/** But at least so many of each folder on the way. */
const MIN_HELD_NAMES = 1_024;

/** Stands behind a folder that was reported instead of entered: greater than every key below it. */
const REPORTED = "\u00ff";

/** A folder on the way, with the names that come next in it. */
interface Level {
  readonly folder: string;
  /** What keys of this folder must start with, without the folder. */
  readonly prefix: string;
  /** Where this folder starts: keys without the folder, descending into a folder that it leads through. */
  readonly after: string | undefined;
  names: readonly string[];
  index: number;
  /** More names follow after the held ones. */
  isPartial: boolean;
}

/**
 * Walks a folder in the order of full keys by bytes (`a.txt` before `a/b`), with a stack of folders and a bounded number
 * of names in memory: of a larger folder the smallest names are picked, and it is read again for the next ones. Links,
 * FIFOs, sockets, devices and our own unfinished files are left out. What appears while it runs may or may not be seen.
 */
export class Walk {
  readonly #access: FileAccess;
  readonly #root: LocalRoot;
  readonly #options: WalkOptions;
  readonly #maxHeld: number;
  readonly #levels: Level[] = [];
  #ahead: WalkedEntry | undefined;
  #isStarted = false;

  constructor(
    access: FileAccess,
    root: LocalRoot,
    options: WalkOptions,
    maxHeldNames: number = MAX_HELD_NAMES,
  ) {
    this.#access = access;
    this.#root = root;
    this.#options = options;
    this.#maxHeld = maxHeldNames;
  }

  /** The next entries, at most `limit`, and whether more follow. */
  async take(
    limit: number,
    signal: AbortSignal,
  ): Promise<{ entries: WalkedEntry[]; hasMore: boolean }> {
    const entries: WalkedEntry[] = [];
    while (entries.length < limit) {
      const entry = this.#ahead ?? (await this.#next(signal));
      this.#ahead = undefined;
      if (entry === undefined) return { entries, hasMore: false };
      entries.push(entry);
    }
    this.#ahead = await this.#next(signal);
    return { entries, hasMore: this.#ahead !== undefined };
  }

  async #next(signal: AbortSignal): Promise<WalkedEntry | undefined> {
    if (!this.#isStarted) await this.#start(signal);
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const name = level.names[level.index];
      if (name === undefined) {
        if (level.isPartial) await this.#fill(level, level.names.at(-1), signal);
        else this.#levels.pop();
        continue;
      }
      level.index++;
      const entry = await this.#visit(level, name, signal);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  async #start(signal: AbortSignal): Promise<void> {
    this.#isStarted = true;
    const { prefix, after } = this.#options;
    const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    if (after !== undefined && after > folder && !after.startsWith(folder)) return;
    const rest = after?.startsWith(folder) === true ? after.slice(folder.length) : undefined;
    const level = makeLevel(folder, prefix.slice(folder.length), rest);
    if (folder !== "" && !isFolderPath(folder)) return;
    try {
      await this.#fill(level, undefined, signal);
    } catch (error) {
      // A prefix that leads nowhere matches nothing; the storage's own folder must be there.
      if (folder === "" || !isNoFolder(error)) throw error;
      return;
    }
    this.#levels.push(level);
  }

  async #visit(level: Level, name: string, signal: AbortSignal): Promise<WalkedEntry | undefined> {
    const isFolder = name.endsWith("/");
    if (fromByteString(name) === undefined)
      return { kind: "key_not_utf8", folder: level.folder, name };
    if (!isFolder) return { kind: "file", folder: level.folder, name };
    const child = makeLevel(
      level.folder + name,
      level.prefix.startsWith(name) ? level.prefix.slice(name.length) : "",
      level.after?.startsWith(name) === true ? level.after.slice(name.length) : undefined,
    );
    try {
      await this.#fill(child, undefined, signal);
    } catch (error) {
      if (["EACCES", "EPERM", "ENAMETOOLONG"].includes(errnoOf(error))) {
        return { kind: "folder_unreadable", folder: level.folder, name };
      }
      if (isNoFolder(error)) return undefined;
      throw error;
    }
    this.#levels.push(child);
    return undefined;
  }

  /** Reads the next names of a folder: the smallest that are greater than `last`, or than where the folder starts. */
  async #fill(level: Level, last: string | undefined, signal: AbortSignal): Promise<void> {
    const held = this.#levels.reduce((sum, { names, index }) => sum + names.length - index, 0);
    const picked = new SmallestNames(
      Math.max(this.#maxHeld - held, Math.min(MIN_HELD_NAMES, this.#maxHeld)),
    );
    const directory = await this.#access.openDirectory(this.#root, toSegments(level.folder));
    try {
      for await (const name of readNames(directory, this.#options.recursive)) {
        signal.throwIfAborted();
        if (isWanted(level, last, name)) picked.add(name);
      }
      await directory.verifyEntries();
    } finally {
      await directory.close();
    }
    level.names = picked.sorted();
    level.index = 0;
    level.isPartial = picked.isPartial;
  }
}

function makeLevel(folder: string, prefix: string, after: string | undefined): Level {
  return { folder, prefix, after, names: [], index: 0, isPartial: false };
}

/** The position of an entry in the order of the walk: a walk that starts after it goes on with the next one. */
export function positionOf({ kind, folder, name }: WalkedEntry): string {
  return kind !== "file" && name.endsWith("/") ? folder + name + REPORTED : folder + name;
}

function isWanted({ prefix, after }: Level, last: string | undefined, name: string): boolean {
  const isFolder = name.endsWith("/");
  if (prefix !== "" && !name.startsWith(prefix) && !(isFolder && prefix.startsWith(name)))
    return false;
  if (last !== undefined) return name > last;
  if (after === undefined || name > after) return true;
  return isFolder && after.startsWith(name) && after !== name + REPORTED;
}

/** Keeps the smallest of the names that it is given. */
class SmallestNames {
  readonly #max: number;
  #names: string[] = [];
  #ceiling: string | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  get isPartial(): boolean {
    return this.#ceiling !== undefined;
  }

  add(name: string): void {
    if (this.#ceiling !== undefined && name >= this.#ceiling) return;
    // Twice the room: sorting once per `max` names is cheap, and no heap is needed.
    if (this.#names.push(name) >= this.#max * 2) this.#cut();
  }

  sorted(): readonly string[] {
    if (this.#names.length > this.#max) this.#cut();
    else this.#names.sort();
    return this.#names;
  }

  #cut(): void {
    this.#names = this.#names.sort().slice(0, this.#max);
    this.#ceiling = this.#names.at(-1);
  }
}

/** Names of files, and of folders with a slash at the end, as byte strings. */
async function* readNames(directory: OpenDirectory, withFolders: boolean): AsyncGenerator<string> {
  // The default buffer of 32 entries makes large folders several times slower.
  const entries = await opendir(directory.pathOf(""), { encoding: "latin1", bufferSize: 1_024 });
  for await (const entry of entries) {
    const kind = await kindOf(directory, entry);
    if (kind === "folder" && withFolders) yield `${entry.name}/`;
    if (kind === "file" && !TEMPORARY_NAME.test(entry.name)) yield entry.name;
  }
}

async function kindOf(
  directory: OpenDirectory,
  entry: Dirent,
): Promise<"file" | "folder" | "other"> {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  if (entry.isSymbolicLink() || entry.isFIFO() || entry.isSocket()) return "other";
  if (entry.isBlockDevice() || entry.isCharacterDevice()) return "other";
  // Some file systems do not tell the kind with the name.
  try {
    const stats = await lstat(directory.bytePathOf(entry.name));
    return stats.isFile() ? "file" : stats.isDirectory() ? "folder" : "other";
  } catch (error) {
    if (isNoFolder(error)) return "other";
    throw error;
  }
}

/** Not there, or no folder, or behind a link: nothing to list. */
function isNoFolder(error: unknown): boolean {
  if (error instanceof LocalFilesFault) return error.class.reason === "localfiles.link";
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error));
}

/** `a/b/` as its segments. Folders that are not UTF-8 are never entered, so this is text. */
function toSegments(folder: string): readonly string[] {
  return folder === "" ? [] : (fromByteString(folder.slice(0, -1)) ?? "").split("/");
}

/** True when each part can be the name of a folder. */
function isFolderPath(folder: string): boolean {
  return folder
    .slice(0, -1)
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== "..");
}
