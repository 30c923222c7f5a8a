import { compareKeys, MAX_KEY_BYTES, utf8Length } from "@bucketbridge/core";
import { isProbeKey, type ListPage } from "@bucketbridge/storage";
import type { RefusedKey, ScanPage } from "./ports.ts";

/** What decides about the keys of a listing, made once per unit. */
export interface PageRules {
  /** The user's filter; undefined takes every key. */
  readonly accepts: ((key: string) => boolean) | undefined;
  /** Why an object cannot be loaded, judged by its key alone; undefined for the files method. */
  readonly taskFileFailure: ((key: string) => string | undefined) | undefined;
  /** A larger object is not loaded. */
  readonly maxObjectBytes: number;
  /** Upper bound of the unit (exclusive of what comes after it); null: none. */
  readonly until: string | null;
  /** Keys that targets of the organisation wrote; absent: none. */
  readonly ownExports?: ReadonlySet<string> | undefined;
  /** Pages of this listing ascend by UTF-8 bytes. */
  readonly ordered: boolean;
}

/** A prepared page and, for a dry run, the keys that the filter dropped. */
export interface PreparedPage {
  readonly page: ScanPage;
  readonly filteredKeys: readonly string[];
}

/** Longest part of a refused key that the issue table takes, in characters; the rest is told by its length. */
const SHOWN_KEY_CHARS = 400;

/**
 * Filters one listing page and puts it into the order that the page statements need: ascending, unique. Pure. Folder
 * markers, probes of checks, own exports and filtered keys are counted as skipped; keys that no table row can hold become refused keys.
 */
export function preparePage(listed: ListPage, rules: PageRules): PreparedPage {
  const order = sortedIndexes(listed.keys, rules.ordered);
  const columns = new PageColumns();
  let pastEnd = false;
  for (const index of order) {
    const key = listed.keys[index] ?? "";
    if (rules.until !== null && compareKeys(key, rules.until) > 0) {
      pastEnd = true;
      continue;
    }
    columns.add(listed, index, rules);
  }
  for (const { name, code, reason } of listed.unreadable ?? []) {
    columns.refused.push({ key: shownKey(name), code, message: reason });
  }
  const cursor = pastEnd ? null : (listed.cursor ?? null);
  return {
    page: {
      keys: columns.keys,
      sizes: columns.sizes,
      etags: columns.etags,
      modified: columns.modified,
      failures: columns.failures,
      refused: columns.refused,
      cursor,
      endOfUnit: cursor === null,
      skipped: columns.skipped,
      lastKey: lastKey(listed, order),
      ordered: rules.ordered,
    },
    filteredKeys: columns.filteredKeys,
  };
}

/** The columns of a page while it is filtered. */
class PageColumns {
  readonly keys: string[] = [];
  readonly sizes: number[] = [];
  readonly etags: (string | null)[] = [];
  readonly modified: (number | null)[] = [];
  readonly failures: (Omit<RefusedKey, "key"> | null)[] = [];
  readonly refused: RefusedKey[] = [];
  readonly filteredKeys: string[] = [];
  skipped = 0;

  add(listed: ListPage, index: number, rules: PageRules): void {
    const key = listed.keys[index] ?? "";
    if (key.endsWith("/") || isProbeKey(key)) {
      this.skipped++;
      return;
    }
    const isOwn = rules.ownExports?.has(key) === true;
    if (isOwn || (rules.accepts !== undefined && !rules.accepts(key))) {
      this.skipped++;
      this.filteredKeys.push(key);
      return;
    }
    const refusal = refuseKey(key);
    if (refusal !== undefined) {
      this.refused.push(refusal);
      return;
    }
    const size = listed.sizes[index] ?? 0;
    const etag = listed.etags[index] ?? "";
    const modified = listed.modified[index] ?? 0;
    this.keys.push(key);
    this.sizes.push(size);
    this.etags.push(etag === "" ? null : etag);
    this.modified.push(modified === 0 ? null : modified);
    this.failures.push(listingFailure(key, size, rules));
  }
}

function listingFailure(
  key: string,
  size: number,
  { taskFileFailure, maxObjectBytes }: PageRules,
): Omit<RefusedKey, "key"> | null {
  if (taskFileFailure === undefined) return null;
  const message = taskFileFailure(key);
  if (message !== undefined) return { code: "not_a_task_file", message };
  if (size <= maxObjectBytes) return null;
  return {
    code: "object_too_large",
    message: `the object has ${String(size)} bytes, at most ${String(maxObjectBytes)} are loaded: split the file`,
  };
}

/** Keys that no row can hold: too long for an index, or with characters that PostgreSQL text refuses. */
function refuseKey(key: string): RefusedKey | undefined {
  // Three bytes a UTF-16 unit at most: short keys need no counting.
  if (key.length * 3 > MAX_KEY_BYTES) {
    const bytes = utf8Length(key);
    if (bytes > MAX_KEY_BYTES) {
      return {
        key: shownKey(key),
        code: "key_too_long",
        message: `the key has ${String(bytes)} bytes, at most ${String(MAX_KEY_BYTES)} are taken: rename the object`,
      };
    }
  }
  if (key.includes("\u0000") || !key.isWellFormed()) {
    return {
      key: shownKey(key),
      code: "key_not_text",
      message: "the key holds U+0000 or half of a surrogate pair: rename the object",
    };
  }
  return undefined;
}

/** A key as an issue shows it: storable text, cut, and different for different keys of the same start. */
function shownKey(key: string): string {
  const text = key.toWellFormed().replaceAll("\u0000", "\uFFFD");
  if (text.length <= SHOWN_KEY_CHARS) return text;
  return `${text.slice(0, SHOWN_KEY_CHARS)}… (${String(key.length)} characters, ends in ${text.slice(-40)})`.toWellFormed();
}

/** Indexes in key order without repetition; for an ordered listing this is one pass. */
function sortedIndexes(keys: readonly string[], ordered: boolean): readonly number[] {
  const indexes = keys.map((_, index) => index);
  if (!ordered) indexes.sort((a, b) => compareKeys(keys[a] ?? "", keys[b] ?? ""));
  return indexes.filter(
    (index, place) => place === 0 || keys[index] !== keys[indexes[place - 1] ?? -1],
  );
}

function lastKey(listed: ListPage, order: readonly number[]): string | null {
  const index = order.at(-1);
  const key = index === undefined ? undefined : listed.keys[index];
  return key === undefined || utf8Length(key) > MAX_KEY_BYTES || key.includes("\u0000")
    ? null
    : key;
}
