import type { StorageRecord } from "@bucketbridge/db";
import { toWireTime } from "@bucketbridge/contracts";
import type { StatusView } from "./status-view.ts";
import { keysOf, type WireShape } from "./wire-shapes.ts";

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
    can_delete_objects: storage.canDeleteObjects,
    ...status,
  };
  const keys = keysOf(shape, storage.direction);
  const view = {
    ...Object.fromEntries(keys.map((key) => [key, values[key] ?? null])),
    ...extensionsOf(storage),
    ...providerExtensionsOf(shape, storage),
  };
  return warnings.length === 0 ? view : { ...view, warnings };
}

/** Our own fields, where they are not the contract's behaviour. */
function extensionsOf(storage: StorageRecord): Record<string, unknown> {
  const { subject, keyTemplate, jsonExtension, restrictToPrefix } = storage;
  return {
    ...(restrictToPrefix ? { restrict_to_prefix: true } : {}),
    ...(subject === "annotation" ? {} : { subject }),
    ...(keyTemplate === null ? {} : { key_template: keyTemplate }),
    ...(jsonExtension ? { json_extension: true } : {}),
  };
}

/** The provider's own fields that the contract does not have, where somebody has set them. */
function providerExtensionsOf(
  shape: WireShape,
  { settings }: StorageRecord,
): Record<string, unknown> {
  const names = (shape.extensions ?? []).filter((name) => {
    const value = settings[name];
    return value !== undefined && value !== null && value !== "" && value !== false;
  });
  return Object.fromEntries(names.map((name) => [name, settings[name]]));
}
