import type { StorageRecord } from "@bucketbridge/db";
import type { ProviderDefinition, StorageDirection } from "@bucketbridge/storage/providers";
import { folderPrefix, toTargetFolder } from "@bucketbridge/sync";
import type { ApiDeps } from "../../deps.ts";
import type { StorageDraft } from "./draft.ts";
import type { StorageKind } from "./storage-kind.ts";
import type { StorageWarning } from "./view.ts";

const MAX_SHOWN_IDS = 5;

/** Where a storage is, saved or not. `id` is undefined while it is not. */
export interface Placed {
  readonly id: number | undefined;
  readonly organizationId: number;
  readonly projectId: number;
  readonly settings: StorageDraft["settings"];
  readonly prefix: string | null;
}

/**
 * Storages of a project that meet at one place, of whatever type: sources of `s3` and `s3s` have the same references. Nothing is
 * refused, but whoever connects the second one should know.
 */
export async function findOverlaps(
  { storages, stores }: Pick<ApiDeps, "storages" | "stores">,
  kind: StorageKind,
  placed: Placed,
): Promise<readonly StorageWarning[]> {
  const place = placeOf(kind.definition, { ...placed, direction: kind.direction });
  if (place === undefined) return [];
  const { projectId, organizationId } = placed;
  const meeting: StorageRecord[] = [];
  for (const other of await storages.list(organizationId, { projectId })) {
    if (other.id === placed.id) continue;
    const definition = await stores.find(other.provider);
    if (definition !== undefined && meets(place, placeOf(definition, other))) meeting.push(other);
  }
  return (["source", "target"] as const).flatMap((direction) => {
    const ids = meeting.filter((other) => other.direction === direction).map(({ id }) => id);
    if (ids.length === 0) return [];
    return [OVERLAPS[kind.direction][direction](place, toList(ids))];
  });
}

/** What it means that a storage of the first direction meets one of the second. */
const OVERLAPS: Readonly<
  Record<
    StorageDirection,
    Readonly<Record<StorageDirection, (place: string, ids: string) => StorageWarning>>
  >
> = {
  source: {
    source: (place, ids) => ({
      code: "storage.overlap",
      message: `this project reads the same place (${place}) by storage ${ids} too: common objects become tasks twice, and any of the storages may serve them`,
    }),
    target: (place, ids) => ({
      code: "storage.overlaps_target",
      message: `this project writes its annotations to the same place (${place}) by target ${ids}: give exports a prefix or folder of their own, so that a sync does not meet them`,
    }),
  },
  target: {
    source: (place, ids) => ({
      code: "target.overlaps_source",
      message: `this project reads the same place (${place}) by storage ${ids}: an exported annotation may take the key of a source object, so use a prefix or folder of its own`,
    }),
    target: (place, ids) => ({
      code: "target.overlap",
      message: `this project writes to the same place (${place}) by target ${ids} too: both write the same keys, and one may delete what the other wrote`,
    }),
  },
};

function toList(ids: readonly number[]): string {
  return ids.slice(0, MAX_SHOWN_IDS).join(", ") + (ids.length > MAX_SHOWN_IDS ? ", …" : "");
}

/**
 * The folder that the storage reads or writes, with a slash at its end, as references name it where there are any; undefined while
 * its settings name no place.
 */
function placeOf(
  definition: ProviderDefinition,
  storage: Pick<StorageRecord, "settings" | "prefix" | "projectId" | "direction">,
): string | undefined {
  const { direction, prefix, settings } = storage;
  if (definition.isPlaced?.(settings) === false) return undefined;
  // Secrets are not part of a place, so a schema that wants them is not asked.
  const references = definition.referencePrefix(settings);
  const root = references.includes("://")
    ? references
    : placeWithoutReference(definition, settings);
  if (root === undefined) return undefined;
  return root + (direction === "target" ? toTargetFolder(storage) : folderPrefix(prefix));
}

function placeWithoutReference(
  definition: ProviderDefinition,
  settings: StorageRecord["settings"],
): string | undefined {
  const parsed = definition.settings.safeParse(settings);
  return parsed.success ? `${definition.describe(parsed.data)}/` : undefined;
}

/** One lies inside the other. */
function meets(place: string, other: string | undefined): boolean {
  return other !== undefined && (place.startsWith(other) || other.startsWith(place));
}
