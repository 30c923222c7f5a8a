import type { ListPage, ListRequest, UnreadableEntry } from "../../driver.ts";
import type { FilesClient } from "./client.ts";
import { EMPTY_PAGE, MAX_PAGE_SIZE, type DirectoryPage } from "./directory-page.ts";
import { VOLUME_NOT_FOUND } from "./error-table.ts";
import { DatabricksRefusal, isMissingDirectory } from "./errors.ts";
import { MAX_LISTINGS, PagesAhead } from "./page-ahead.ts";
import {
  advance,
  fromCursor,
  nextIndexes,
  startState,
  toCursor,
  type Pending,
  type WalkState,
} from "./walk-state.ts";

/** Directories below each other. Deeper ones are reported and not listed: a workspace could show a circle. */
const MAX_DEPTH = 64;
/** A call gives up looking for more files after this long, so that empty directories do not use up its deadline. */
const MAX_CALL_MS = 5_000;

/** Walks whose next call may find pages that were asked for already. */
const MAX_PARKED = 4;
/** After this long they are asked for anew. */
const MAX_PARKED_MS = 30_000;

interface Parked {
  readonly ahead: PagesAhead;
  readonly sinceMs: number;
}

/** Which entries of the first directory belong to the prefix. */
interface Scope {
  readonly directory: string;
  readonly namePrefix: string;
  readonly recursive: boolean;
}

/**
 * Lists a volume directory by directory, up to eight at a time, breadth first as long as the walk is narrow. Files come in no
 * order. The cursor holds all that is still to be listed, so any process can go on.
 */
export class TreeListing {
  readonly #client: FilesClient;
  readonly #parked = new Map<string, Parked>();

  constructor(client: FilesClient) {
    this.#client = client;
  }

  /** The next page. A missing volume is `not_found`; a prefix that leads nowhere matches nothing. */
  async page(request: ListRequest, signal: AbortSignal): Promise<ListPage> {
    const scope = toScope(request);
    if (scope === undefined) return new PageColumns().toPage(undefined);
    const size = Math.min(request.limit, MAX_PAGE_SIZE);
    const { cursor } = request;
    const state = cursor === undefined ? startState(scope.directory) : fromCursor(cursor);
    const ahead = this.#resume(cursor) ?? new PagesAhead(this.#client, size);
    const onAbort = (): void => {
      ahead.abort(signal.reason);
    };
    signal.throwIfAborted();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const columns = await this.#fill({ state, ahead, scope, limit: request.limit }, signal);
      const next = state.pending.length === 0 ? undefined : toCursor(state);
      if (next !== undefined) this.#park(next, ahead);
      return columns.toPage(next);
    } catch (error) {
      ahead.abort();
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Ends what is on its way. */
  close(): void {
    for (const { ahead } of this.#parked.values()) ahead.abort();
    this.#parked.clear();
  }

  async #fill(
    {
      state,
      ahead,
      scope,
      limit,
    }: { state: WalkState; ahead: PagesAhead; scope: Scope; limit: number },
    signal: AbortSignal,
  ): Promise<PageColumns> {
    const columns = new PageColumns();
    const startMs = performance.now();
    while (columns.length < limit) {
      const coming = nextIndexes(state, MAX_LISTINGS).flatMap(
        (index) => state.pending[index] ?? [],
      );
      const [next] = coming;
      if (next === undefined || performance.now() - startMs > MAX_CALL_MS) break;
      ahead.prefetch(coming);
      const page = await this.#get(ahead, next, scope, signal);
      const chosen = choose(page, next, scope);
      if (columns.length > 0 && columns.length + chosen.entries > limit) break;
      ahead.drop(next);
      columns.add(next.path, chosen);
      advance(state, page.nextToken, chosen.children);
    }
    return columns;
  }

  /** A directory that vanished meanwhile is empty. */
  async #get(
    ahead: PagesAhead,
    next: Pending,
    scope: Scope,
    signal: AbortSignal,
  ): Promise<DirectoryPage> {
    try {
      return await ahead.get(next);
    } catch (error) {
      signal.throwIfAborted();
      if (!isMissingDirectory(error)) throw error;
      if (next.path === scope.directory) await this.#assertVolume(next.path, signal);
      return EMPTY_PAGE;
    }
  }

  async #assertVolume(path: string, signal: AbortSignal): Promise<void> {
    if (path === "") throw new DatabricksRefusal(VOLUME_NOT_FOUND);
    try {
      const request = { method: "HEAD", of: "directories", segments: [] } as const;
      const { body } = await this.#client.send(request, signal);
      await body.dump();
    } catch (error) {
      throw isMissingDirectory(error) ? new DatabricksRefusal(VOLUME_NOT_FOUND) : error;
    }
  }

  #resume(cursor: string | undefined): PagesAhead | undefined {
    if (cursor === undefined) return undefined;
    const parked = this.#parked.get(cursor);
    this.#parked.delete(cursor);
    if (parked === undefined) return undefined;
    if (performance.now() - parked.sinceMs <= MAX_PARKED_MS) return parked.ahead;
    parked.ahead.abort();
    return undefined;
  }

  #park(cursor: string, ahead: PagesAhead): void {
    this.#parked.set(cursor, { ahead, sinceMs: performance.now() });
    const [oldest] = this.#parked.keys();
    if (this.#parked.size <= MAX_PARKED || oldest === undefined) return;
    this.#parked.get(oldest)?.ahead.abort();
    this.#parked.delete(oldest);
  }
}

/** Undefined: no path can start like this. */
function toScope({ prefix, recursive }: ListRequest): Scope | undefined {
  const end = prefix.lastIndexOf("/");
  const directory = prefix.slice(0, Math.max(0, end));
  const isPath =
    end === -1 ||
    directory.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  return isPath ? { directory, namePrefix: prefix.slice(end + 1), recursive } : undefined;
}

/** What a page of a directory adds to the listing. */
interface Chosen extends Pick<DirectoryPage, "files"> {
  readonly children: readonly string[];
  readonly unreadable: readonly UnreadableEntry[];
  /** Files and unreadable entries together. */
  readonly entries: number;
}

function choose(page: DirectoryPage, { path }: Pending, scope: Scope): Chosen {
  const isFirst = path === scope.directory;
  const isWanted = (name: string): boolean => !isFirst || name.startsWith(scope.namePrefix);
  const files = page.files.filter(({ name }) => isWanted(name));
  const directories = scope.recursive ? page.directories.filter(isWanted) : [];
  const isTooDeep = depthOf(path) - depthOf(scope.directory) >= MAX_DEPTH;
  const unreadable = [
    ...page.unusable.filter(isWanted).map((name) => badName(joinPath(path, name))),
    ...(isTooDeep ? directories.map((name) => tooDeep(joinPath(path, name))) : []),
  ];
  const children = isTooDeep ? [] : directories.map((name) => joinPath(path, name));
  return { files, children, unreadable, entries: files.length + unreadable.length };
}

function depthOf(path: string): number {
  return path === "" ? 0 : path.split("/").length;
}

function joinPath(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

function badName(path: string): UnreadableEntry {
  const name = path.toWellFormed().replaceAll("\u0000", "\\x00");
  return { name, code: "key_not_utf8", reason: "the name can be no part of a path; rename it" };
}

function tooDeep(path: string): UnreadableEntry {
  return {
    name: `${path}/`,
    code: "folder_unreadable",
    reason: `the directory lies more than ${String(MAX_DEPTH)} levels deep, nothing below it was listed: add it as the prefix of a storage of its own`,
  };
}

/** A version is told by size and time. `Last-Modified` has seconds, a listing milliseconds; both must give the same. */
export function etagOf(size: number, modifiedMs: number): string {
  return `${String(size)}-${String(Math.floor(modifiedMs / 1_000))}`;
}

class PageColumns {
  readonly #keys: string[] = [];
  readonly #sizes: number[] = [];
  readonly #etags: string[] = [];
  readonly #modified: number[] = [];
  readonly #unreadable: UnreadableEntry[] = [];

  get length(): number {
    return this.#keys.length + this.#unreadable.length;
  }

  add(directory: string, { files, unreadable }: Chosen): void {
    for (const { name, size, modified } of files) {
      this.#keys.push(joinPath(directory, name));
      this.#sizes.push(size);
      this.#etags.push(etagOf(size, modified));
      this.#modified.push(modified);
    }
    this.#unreadable.push(...unreadable);
  }

  toPage(cursor: string | undefined): ListPage {
    return {
      keys: this.#keys,
      sizes: this.#sizes,
      etags: this.#etags,
      modified: this.#modified,
      ...(cursor === undefined ? {} : { cursor }),
      ...(this.#unreadable.length === 0 ? {} : { unreadable: this.#unreadable }),
    };
  }
}
