import type { StorageRecord } from "@bucketbridge/db";
import { folderPrefix } from "@bucketbridge/sync";
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
  const ids = others
    .filter((other) => other.id !== placed.id && meets(place, placeOf(kind, other)))
    .map(({ id }) => String(id));
  if (ids.length === 0) return [];
  const shown = ids.slice(0, MAX_SHOWN_IDS).join(", ") + (ids.length > MAX_SHOWN_IDS ? ", …" : "");
  const message = `this project reads the same place (${place}) by storage ${shown} too: common objects become tasks twice, and any of the storages may serve them`;
  return [{ code: "storage.overlap", message }];
}

/** The folder that the storage reads, with a slash at its end; undefined while its settings name no place. */
function placeOf(
  { definition }: StorageKind,
  { settings, prefix }: Pick<StorageRecord, "settings" | "prefix">,
): string | undefined {
  const parsed = definition.settings.safeParse(settings);
  if (!parsed.success) return undefined;
  return `${definition.describe(parsed.data)}/${folderPrefix(prefix)}`;
}

/** One lies inside the other. */
function meets(place: string, other: string | undefined): boolean {
  return other !== undefined && (place.startsWith(other) || other.startsWith(place));
}
