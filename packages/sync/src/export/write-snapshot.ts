import { isAppError, type Logger } from "@bucketbridge/core";
import type { SubjectRecord } from "./ports.ts";
import { readPages, renderSnapshot, type AnnotationKind, type SnapshotCounts } from "./snapshot.ts";

/** Tasks that are read at a time. */
const PAGE_TASKS = 100;

/** What of the project is exported; more than annotations is the business of who reads the pages. */
export interface SnapshotSelection {
  readonly annotations?: readonly AnnotationKind[] | undefined;
}

/** The right to write a snapshot, until its lease ends unrenewed. */
export interface ClaimedSnapshot<Selection extends SnapshotSelection = SnapshotSelection> {
  readonly organizationId: number;
  readonly snapshotId: number;
  readonly projectId: number;
  /** Rises with each claim. */
  readonly epoch: number;
  readonly options: Selection;
}

/** A file of the store. */
export interface WrittenFile {
  readonly key: string;
  readonly size: number;
  readonly md5: string;
}

/** How workers share snapshots. Every write is fenced by the claim; false: it is over. */
export interface SnapshotClaims<Selection extends SnapshotSelection = SnapshotSelection> {
  renew(claim: ClaimedSnapshot<Selection>): Promise<boolean>;
  complete(
    claim: ClaimedSnapshot<Selection>,
    result: WrittenFile & SnapshotCounts,
  ): Promise<boolean>;
  /** For good. */
  fail(claim: ClaimedSnapshot<Selection>, message: string): Promise<boolean>;
  /** Somebody else may try. */
  release(claim: ClaimedSnapshot<Selection>): Promise<void>;
  /** Tasks with an id above `afterTaskId`, in the order of their ids. */
  readPage(
    organizationId: number,
    query: {
      readonly projectId: number;
      readonly afterTaskId: number;
      readonly limit: number;
      readonly options: Selection;
    },
  ): Promise<readonly SubjectRecord[]>;
}

/** The installation's own store. */
export interface SnapshotFiles {
  put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    options: { readonly contentType: string; readonly maxBytes: number },
    ctx: { readonly signal: AbortSignal },
  ): Promise<WrittenFile>;
  /** Deletes what lies below `prefix` and is not wanted. */
  sweep(
    prefix: string,
    isWanted: (key: string) => boolean,
    ctx: { readonly signal: AbortSignal },
  ): Promise<void>;
}

/** What writing takes. */
export interface SnapshotEngine<Selection extends SnapshotSelection = SnapshotSelection> {
  readonly snapshots: SnapshotClaims<Selection>;
  /** Opens the store; what is wrong with it ends this try. */
  readonly openFiles: () => Promise<SnapshotFiles>;
  readonly log: Logger;
  /** Told with every page. */
  readonly onProgress: (counts: SnapshotCounts) => void;
}

/** What became of a try. `lost`: another worker has the snapshot, or it was deleted. */
export type SnapshotEnd =
  | { readonly state: "completed"; readonly size: number; readonly counts: SnapshotCounts }
  | { readonly state: "lost" };

/** Where the files of a snapshot lie, one for each claim. */
export function toSnapshotFolder(projectId: number, snapshotId: number): string {
  return `export/${String(projectId)}/${String(snapshotId)}/`;
}

/**
 * Writes a claimed snapshot from its first task to its last, page by page, into a file of its own: a writer that lost its lease to
 * another one cannot spoil what that one writes. Files of earlier claims go once one is complete. What never gets better fails the
 * snapshot, anything else gives it back; both reject.
 */
export async function writeSnapshot<Selection extends SnapshotSelection>(
  engine: SnapshotEngine<Selection>,
  claim: ClaimedSnapshot<Selection>,
  signal: AbortSignal,
): Promise<SnapshotEnd> {
  try {
    return await write(engine, claim, signal);
  } catch (error) {
    const isHopeless = isAppError(error) && error.retry === "never" && error.code !== "canceled";
    if (isHopeless) await engine.snapshots.fail(claim, error.message);
    else await engine.snapshots.release(claim);
    throw error;
  }
}

async function write<Selection extends SnapshotSelection>(
  engine: SnapshotEngine<Selection>,
  claim: ClaimedSnapshot<Selection>,
  signal: AbortSignal,
): Promise<SnapshotEnd> {
  const { snapshots, onProgress } = engine;
  const { organizationId, projectId, options, snapshotId, epoch } = claim;
  const counts: SnapshotCounts = { tasks: 0, annotations: 0 };
  const pages = readPages(async (afterTaskId) => {
    signal.throwIfAborted();
    await snapshots.renew(claim);
    onProgress({ ...counts });
    const query = { projectId, afterTaskId, limit: PAGE_TASKS, options };
    return snapshots.readPage(organizationId, query);
  });
  const body = renderSnapshot(pages, options.annotations ?? [], counts);
  const files = await engine.openFiles();
  const folder = toSnapshotFolder(projectId, snapshotId);
  const format = { contentType: "application/json", maxBytes: Number.MAX_SAFE_INTEGER };
  const key = `${folder}${String(epoch)}.json`;
  const { size, md5 } = await files.put(key, body, format, { signal });
  const isOurs = await snapshots.complete(claim, { key, size, md5, ...counts });
  const isKept = (found: string): boolean => {
    const writer = Number.parseInt(found.slice(folder.length), 10);
    return writer > epoch || (writer === epoch && isOurs);
  };
  await files.sweep(folder, isKept, { signal }).catch((error: unknown) => {
    engine.log.warn({ error, folder }, "export.snapshot.unclean");
  });
  return isOurs ? { state: "completed", size, counts } : { state: "lost" };
}
