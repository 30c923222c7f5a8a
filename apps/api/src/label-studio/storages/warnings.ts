import type { StorageRecord } from "@bucketbridge/db";
import { folderPrefix } from "@bucketbridge/sync";
import type { ApiDeps } from "../../deps.ts";
import type { StorageDraft } from "./draft.ts";
import type { StorageKind } from "./storage-kind.ts";
import type { StorageWarning } from "./view.ts";

/** Where a storage is, saved or not. `id` is undefined while it is not. */
export interface Placed {
  readonly id: number | undefined;
  readonly organizationId: number;
  readonly projectId: number;
  readonly settings: StorageDraft["settings"];
  readonly prefix: string | null;
}

/** Two sources of a project that see the same objects import them twice, and either could serve a reference. */
export async function findOverlaps(
  { storages }: Pick<ApiDeps, "storages">,
  kind: StorageKind,
  placed: Placed,
): Promise<readonly StorageWarning[]> {
  const place = placeOf(kind, placed);
  if (place === undefined) return [];
  const { projectId, organizationId } = placed;
  const filter = { direction: "source", provider: kind.shape.name, projectId } as const;
  const others = await storages.list(organizationId, filter);
  return others
    .filter((other) => other.id !== placed.id && meets(place, placeOf(kind, other)))
    .map((other) => ({
      code: "storage.overlap",
      message: `storage ${String(other.id)} of this project reads the same place (${place}): their common objects become tasks twice, and either storage may serve them`,
    }));
}

/** The reference that everything below the storage starts with; undefined while its settings name no place. */
function placeOf(
  { definition }: StorageKind,
  { settings, prefix }: Pick<StorageRecord, "settings" | "prefix">,
): string | undefined {
  const parsed = definition.settings.safeParse(settings);
  if (!parsed.success) return undefined;
  return `${definition.referencePrefix(parsed.data)}${folderPrefix(prefix)}`;
}

/** One lies inside the other. */
function meets(place: string, other: string | undefined): boolean {
  return other !== undefined && (place.startsWith(other) || other.startsWith(place));
}
