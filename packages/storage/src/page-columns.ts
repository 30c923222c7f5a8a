import { AppError, compareKeys } from "@bucketbridge/core";
import type { ListPage } from "./driver.ts";

/**
 * Checks a driver's page (columns of equal length, every key below `prefix`) and makes its keys relative to `root`.
 * A page that breaks its contract is `internal`: listing on would import what nobody asked for.
 */
export function toRelativePage(page: ListPage, prefix: string, root: string): ListPage {
  const count = page.keys.length;
  if (
    page.sizes.length !== count ||
    page.etags.length !== count ||
    page.modified.length !== count
  ) {
    throw new AppError({
      code: "internal",
      message: "the columns of a listing page differ in length",
    });
  }
  if (prefix !== "" && !page.keys.every((key) => key.startsWith(prefix))) {
    throw new AppError({
      code: "internal",
      message: "the listing has keys outside of the prefix that was asked for",
    });
  }
  if (root === "") return page;
  return {
    ...page,
    keys: page.keys.map((key) => key.slice(root.length)),
    ...(page.unreadable === undefined
      ? {}
      : {
          unreadable: page.unreadable.map((entry) =>
            entry.name.startsWith(root) ? { ...entry, name: entry.name.slice(root.length) } : entry,
          ),
        }),
  };
}

/** The rows of a page whose key is strictly greater than `after`. */
export function keysAfter(page: ListPage, after: string): ListPage {
  const kept = page.keys
    .map((_, index) => index)
    .filter((index) => compareKeys(page.keys[index] ?? "", after) > 0);
  if (kept.length === page.keys.length) return page;
  return {
    ...page,
    keys: kept.map((index) => page.keys[index] ?? ""),
    sizes: kept.map((index) => page.sizes[index] ?? 0),
    etags: kept.map((index) => page.etags[index] ?? ""),
    modified: kept.map((index) => page.modified[index] ?? 0),
  };
}
