import type { ResultOf } from "@bucketbridge/contracts";
import type { SnapshotWork } from "@bucketbridge/db";
import type { JobHandler } from "@bucketbridge/queue";
import type { PersistenceHandle } from "@bucketbridge/storage/providers";
import { writeSnapshot } from "@bucketbridge/sync";

/** What the handler needs. */
export interface SnapshotDeps {
  readonly snapshots: SnapshotWork;
  readonly files: PersistenceHandle;
}

const OTHER: ResultOf<"export.snapshot"> = { state: "other", tasks: 0, annotations: 0, bytes: 0 };

/** Writes one snapshot; the job ends when it is complete, or when it is another worker's business. */
export function createExportSnapshotHandler({
  snapshots,
  files,
}: SnapshotDeps): JobHandler<"export.snapshot"> {
  return async ({ organizationId, snapshotId }, context) => {
    const claim = await snapshots.claim({ organizationId, snapshotId });
    if (claim === undefined) return OTHER;
    const engine = {
      snapshots,
      openFiles: () => files.open(),
      log: context.log,
      onProgress: (counts: { readonly tasks: number; readonly annotations: number }) => {
        context.progress({ ...counts });
      },
    };
    const end = await writeSnapshot(engine, claim, context.signal);
    if (end.state === "lost") return OTHER;
    return { state: "completed", ...end.counts, bytes: end.size };
  };
}
