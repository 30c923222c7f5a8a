import type { StorageRecord, StorageUpdate, UpdateEffect } from "@bucketbridge/db";
import { changedLocation } from "@bucketbridge/storage/providers";
import type { StorageDraft } from "./draft.ts";
import type { StorageKind } from "./storage-kind.ts";
import type { StoredDraft } from "./storage-request.ts";

/** Fields that decide which objects a run takes and what it makes of them. */
const RULES = [
  "prefix",
  "regexFilter",
  "useBlobUrls",
  "recursiveScan",
] as const satisfies readonly (keyof StorageDraft)[];

/** Fields that decide where the objects of a target lie. */
const PLACES = [
  "prefix",
  "subject",
  "keyTemplate",
  "jsonExtension",
] as const satisfies readonly (keyof StorageDraft)[];

/**
 * What a change means for a run under way and for the objects that are known. Secrets that could not be read count as the same
 * place: whoever enters them again finds his objects known.
 */
export function toEffect(
  { definition, direction }: Pick<StorageKind, "definition" | "direction">,
  { draft: stored, unreadable }: StoredDraft,
  wanted: StorageDraft,
): UpdateEffect {
  const secrets = unreadable === undefined ? stored.secrets : wanted.secrets;
  const place = { ...wanted.settings, ...wanted.secrets };
  if (changedLocation(definition, { ...stored.settings, ...secrets }, place)) return "move";
  const differs = (name: (typeof RULES | typeof PLACES)[number]) =>
    (stored[name] ?? "") !== (wanted[name] ?? "");
  if (direction === "target" && PLACES.some(differs)) return "move";
  if (direction === "source" && RULES.some(differs)) return "refilter";
  const restarts =
    isChanged(stored.settings, wanted.settings) || isChanged(stored.secrets, wanted.secrets);
  return restarts ? "restart" : "none";
}

const COLUMNS = [
  "title",
  "description",
  "settings",
  "prefix",
  "regexFilter",
  "useBlobUrls",
  "presign",
  "presignTtl",
  "recursiveScan",
  "synchronizable",
  "restrictToPrefix",
  "canDeleteObjects",
  "subject",
  "keyTemplate",
  "jsonExtension",
] as const satisfies readonly (keyof StorageDraft & keyof StorageRecord)[];

/** What has to be written; the rest may be changed by somebody else at this moment. */
export function changedFields(
  stored: StorageRecord,
  wanted: StorageDraft,
): StorageUpdate["fields"] {
  const changed = COLUMNS.filter((name) => isChanged(stored[name], wanted[name]));
  return Object.fromEntries(changed.map((name) => [name, wanted[name]]));
}

function isChanged(stored: unknown, wanted: unknown): boolean {
  return toSortedJson(stored) !== toSortedJson(wanted);
}

/** jsonb gives keys in an order of its own. */
function toSortedJson(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
