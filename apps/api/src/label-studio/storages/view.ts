import type { StorageRecord } from "@bucketbridge/db";
import { toWireTime } from "@bucketbridge/contracts";
import type { StatusView } from "./status-view.ts";
import type { WireShape } from "./wire-shapes.ts";

/** What was noticed while a storage was saved; absent from answers without any. */
export interface StorageWarning {
  readonly code: string;
  readonly message: string;
}

/**
 * A storage as the contract shows it: only the keys of its type, in the contract's order. Secrets are not among them, so
 * none can slip through.
 */
export function toStorageView(
  shape: WireShape,
  storage: StorageRecord,
  status: StatusView,
  warnings: readonly StorageWarning[] = [],
): Record<string, unknown> {
  const values: Readonly<Record<string, unknown>> = {
    ...storage.settings,
    id: storage.id,
    type: storage.provider,
    project: storage.projectId,
    title: storage.title,
    description: storage.description,
    created_at: toWireTime(storage.createdAt),
    synchronizable: storage.synchronizable,
    prefix: storage.prefix,
    regex_filter: storage.regexFilter,
    use_blob_urls: storage.useBlobUrls,
    presign: storage.presign,
    presign_ttl: storage.presignTtl,
    recursive_scan: storage.recursiveScan,
    ...status,
  };
  const view = Object.fromEntries(shape.sourceKeys.map((key) => [key, values[key] ?? null]));
  return warnings.length === 0 ? view : { ...view, warnings };
}
