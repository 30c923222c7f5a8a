import type { ResultOf } from "@bucketbridge/contracts";
import { isAppError } from "@bucketbridge/core";
import type { SnapshotClaim, SnapshotWork } from "@bucketbridge/db";
import type { JobContext, JobHandler } from "@bucketbridge/queue";
import type { PersistenceHandle, PersistentStore } from "@bucketbridge/storage/providers";
import { readPages, renderSnapshot, type SnapshotCounts } from "@bucketbridge/sync";

/** Tasks that are read at a time. */
const PAGE_TASKS = 100;

/** What the handler needs. */
export interface SnapshotDeps {
  readonly snapshots: SnapshotWork;
  readonly files: PersistenceHandle;
}

const OTHER: ResultOf<"export.snapshot"> = { state: "other", tasks: 0, annotations: 0, bytes: 0 };

/**
 * Writes a snapshot from its first task to its last, page by page, into a file of its own: a writer that lost its lease to another
 * one cannot spoil what that one writes. Files of earlier claims go once one is complete.
 */
export function createExportSnapshotHandler(deps: SnapshotDeps): JobHandler<"export.snapshot"> {
  return async ({ organizationId, snapshotId }, context) => {
    const claim = await deps.snapshots.claim({ organizationId, snapshotId });
    if (claim === undefined) return OTHER;
    try {
      return await write(deps, claim, context);
    } catch (error) {
      await giveUp(deps, claim, error);
      throw error;
    }
  };
}

async function write(
  { snapshots, files }: SnapshotDeps,
  claim: SnapshotClaim,
  context: JobContext,
): Promise<ResultOf<"export.snapshot">> {
  const { organizationId, projectId, options, snapshotId, epoch } = claim;
  const { signal } = context;
  const counts: SnapshotCounts = { tasks: 0, annotations: 0 };
  const pages = readPages(async (afterTaskId) => {
    signal.throwIfAborted();
    await snapshots.renew(claim);
    context.progress({ ...counts });
    const query = { projectId, afterTaskId, limit: PAGE_TASKS, options };
    return snapshots.readPage(organizationId, query);
  });
  const body = renderSnapshot(pages, options.annotations ?? [], counts);
  const store = await files.open();
  const folder = `export/${String(projectId)}/${String(snapshotId)}/`;
  const key = `${folder}${String(epoch)}.json`;
  const format = { contentType: "application/json", maxBytes: Number.MAX_SAFE_INTEGER };
  const { size, md5 } = await store.put(key, body, format, { signal });
  const isOurs = await snapshots.complete(claim, { key, size, md5, ...counts });
  await clean(store, { folder, key: isOurs ? key : undefined, epoch }, context);
  return isOurs ? { state: "completed", ...counts, bytes: size } : OTHER;
}

/** Ours is kept when it counts; those of earlier claims never do. */
async function clean(
  store: PersistentStore,
  { folder, key, epoch }: { folder: string; key: string | undefined; epoch: number },
  { signal, log }: JobContext,
): Promise<void> {
  const isKept = (found: string): boolean => {
    const writer = Number.parseInt(found.slice(folder.length), 10);
    return writer > epoch || (writer === epoch && key !== undefined);
  };
  try {
    await store.sweep(folder, isKept, { signal });
  } catch (error) {
    log.warn({ error, folder }, "export.snapshot.unclean");
  }
}

/** What never gets better fails the snapshot; anything else is tried again. */
async function giveUp(
  { snapshots }: SnapshotDeps,
  claim: SnapshotClaim,
  error: unknown,
): Promise<void> {
  const isHopeless = isAppError(error) && error.retry === "never" && error.code !== "canceled";
  if (isHopeless) await snapshots.fail(claim, error.message);
  else await snapshots.release(claim);
}
