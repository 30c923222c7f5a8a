import { lstatSync, type BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";
import type { ListPage, UnreadableEntry } from "../../driver.ts";
import { fromByteString, toShownName } from "./byte-string.ts";
import type { FileAccess } from "./client.ts";
import type { LocalRoot } from "./credentials.ts";
import { errnoOf, LocalFilesFault } from "./errors.ts";
import { etagOf } from "./file-body.ts";
import type { OpenDirectory } from "./open-directory.ts";
import type { WalkedEntry } from "./walk.ts";

/** What a page is made of. */
export interface PageParts {
  readonly entries: readonly WalkedEntry[];
  readonly cursor: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Looks up sizes and times of walked entries, folder by folder, and makes a page of them. Files that have vanished since
 * are left out; names that are not UTF-8 and folders that cannot be read become unreadable entries.
 */
export async function makePage(
  access: FileAccess,
  root: LocalRoot,
  { entries, cursor, signal }: PageParts,
): Promise<ListPage> {
  const columns = {
    keys: [] as string[],
    sizes: [] as number[],
    etags: [] as string[],
    modified: [] as number[],
  };
  const unreadable: UnreadableEntry[] = [];
  for (const { folder, names } of groupByFolder(entries)) {
    signal.throwIfAborted();
    const stats = await statNames(access, root, folder, names);
    for (const [index, found] of stats.entries()) {
      if (found === undefined) continue;
      columns.keys.push(fromByteString(folder + (names[index] ?? "")) ?? "");
      columns.sizes.push(Number(found.size));
      columns.etags.push(etagOf(found));
      columns.modified.push(Number(found.mtimeMs));
    }
  }
  for (const entry of entries) if (entry.kind !== "file") unreadable.push(toUnreadable(entry));
  return {
    ...columns,
    ...(cursor === undefined ? {} : { cursor }),
    ...(unreadable.length === 0 ? {} : { unreadable }),
  };
}

/** Files of consecutive entries of one folder. */
function groupByFolder(entries: readonly WalkedEntry[]): { folder: string; names: string[] }[] {
  const groups: { folder: string; names: string[] }[] = [];
  for (const { kind, folder, name } of entries) {
    if (kind !== "file") continue;
    const last = groups.at(-1);
    if (last?.folder === folder) last.names.push(name);
    else groups.push({ folder, names: [name] });
  }
  return groups;
}

/** Synchronous look-ups of one slice: on a local disk a few hundred microseconds. */
const SYNC_SLICE = 128;
/** A slice that took longer is on a slow file system: the event loop must not wait for the others. */
const SLOW_SLICE_MS = 10;
const ASYNC_PARALLEL = 32;

/**
 * Undefined for a name that is gone or no file any more. Synchronous calls are three times cheaper than those through
 * the thread pool, so they are used in slices as long as the file system answers fast.
 */
async function statNames(
  access: FileAccess,
  root: LocalRoot,
  folder: string,
  names: readonly string[],
): Promise<(BigIntStats | undefined)[]> {
  let directory: OpenDirectory;
  try {
    const segments = folder === "" ? [] : (fromByteString(folder.slice(0, -1)) ?? "").split("/");
    directory = await access.openDirectory(root, segments);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
  try {
    const paths = names.map((name) => directory.pathOf(fromByteString(name) ?? ""));
    const found = await statPaths(paths);
    await directory.verifyEntries();
    return found;
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  } finally {
    await directory.close();
  }
}

async function statPaths(paths: readonly string[]): Promise<(BigIntStats | undefined)[]> {
  const found: (BigIntStats | undefined)[] = [];
  let isFast = true;
  while (found.length < paths.length) {
    const slice = paths.slice(found.length, found.length + (isFast ? SYNC_SLICE : ASYNC_PARALLEL));
    if (isFast) {
      const startMs = performance.now();
      found.push(...slice.map(statSync));
      isFast = performance.now() - startMs < SLOW_SLICE_MS;
      await new Promise((resolve) => setImmediate(resolve));
    } else {
      found.push(...(await Promise.all(slice.map(statAsync))));
    }
  }
  return found;
}

function statSync(target: string): BigIntStats | undefined {
  try {
    return onlyFile(lstatSync(target, { bigint: true }));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function statAsync(target: string): Promise<BigIntStats | undefined> {
  try {
    return onlyFile(await lstat(target, { bigint: true }));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function onlyFile(stats: BigIntStats): BigIntStats | undefined {
  return stats.isFile() ? stats : undefined;
}

function isGone(error: unknown): boolean {
  if (error instanceof LocalFilesFault) return error.class.reason === "localfiles.link";
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error));
}

function toUnreadable({ kind, folder, name }: WalkedEntry): UnreadableEntry {
  const shown = toShownName(folder + name);
  if (kind === "key_not_utf8") {
    const what = name.endsWith("/")
      ? "the folder's name is not UTF-8, nothing below it was listed"
      : "the name is not UTF-8";
    return { name: shown, code: "key_not_utf8", reason: `${what}: rename it` };
  }
  return {
    name: shown,
    code: "folder_unreadable",
    reason:
      "the folder cannot be read, nothing below it was listed: give the user that runs the worker access, or shorten its path",
  };
}
