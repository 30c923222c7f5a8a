import { isAppError } from "@bucketbridge/core";
import { isProbeKey, type ListPage } from "@bucketbridge/storage";
import { compileUserPattern, folderPrefix } from "@bucketbridge/sync";
import type { OpenStore } from "../../stores/stores.ts";
import { toWireTime } from "@bucketbridge/contracts";
import type { StorageDraft } from "./draft.ts";

/** One line of the preview; nulls say that there are more. */
export interface PreviewFile {
  readonly key: string | null;
  readonly last_modified: string | null;
  readonly size: number | null;
}

const SCAN_MS = 30_000;
const MORE: PreviewFile = { key: null, last_modified: null, size: null };
/** The contract's words. */
const TIMED_OUT: PreviewFile = { ...MORE, key: "... storage scan timeout reached ..." };

/**
 * The first objects that a sync would take, at most `limit` of them and at most for 30 s; then an entry that says so. Errors
 * of the store reject as they are.
 */
export async function previewFiles(
  open: OpenStore,
  draft: Pick<StorageDraft, "prefix" | "recursiveScan" | "regexFilter">,
  options: { readonly limit: number; readonly signal: AbortSignal },
): Promise<PreviewFile[]> {
  const timer = AbortSignal.timeout(SCAN_MS);
  const signal = AbortSignal.any([options.signal, timer]);
  const accepts = makeFilter(draft.regexFilter, open);
  const files: PreviewFile[] = [];
  const listing = { prefix: folderPrefix(draft.prefix), recursive: draft.recursiveScan };
  try {
    for await (const page of open.store.pages(listing, { signal })) {
      addPage(files, page, accepts, { limit: options.limit, shownName: open.shownName });
      if (files.length >= options.limit) return [...files, MORE];
      if (timer.aborted) return [...files, TIMED_OUT];
    }
  } catch (error) {
    if (!timer.aborted || !isAppError(error, "canceled")) throw error;
    return [...files, TIMED_OUT];
  }
  return files;
}

function makeFilter(regex: string | null, { filterName }: OpenStore): (key: string) => boolean {
  if (regex === null || regex === "") return () => true;
  const pattern = compileUserPattern(regex);
  return (key) => pattern.test(filterName(key));
}

function addPage(
  files: PreviewFile[],
  page: ListPage,
  accepts: (key: string) => boolean,
  { limit, shownName }: { readonly limit: number; readonly shownName: OpenStore["shownName"] },
): void {
  for (const [index, key] of page.keys.entries()) {
    if (files.length >= limit) return;
    if (key.endsWith("/") || isProbeKey(key) || !accepts(key)) continue;
    const modified = page.modified[index] ?? 0;
    files.push({
      key: shownName(key),
      last_modified: modified === 0 ? null : toWireTime(new Date(modified)),
      size: page.sizes[index] ?? 0,
    });
  }
}
