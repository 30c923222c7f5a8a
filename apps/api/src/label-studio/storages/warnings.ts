import type { StorageRecord } from "@bucketbridge/db";
import { folderPrefix } from "@bucketbridge/sync";
import type { StorageDirection } from "@bucketbridge/storage/providers";
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

/** Storages of a project that meet at one place: nothing is refused, but whoever connects the second one should know. */
export async function findOverlaps(
  { storages }: Pick<ApiDeps, "storages">,
  kind: StorageKind,
  placed: Placed,
): Promise<readonly StorageWarning[]> {
  const place = placeOf(kind, placed);
  if (place === undefined) return [];
  const { projectId, organizationId } = placed;
  const others = await storages.list(organizationId, { provider: kind.shape.name, projectId });
  const meeting = others.filter(
    (other) => other.id !== placed.id && meets(place, placeOf(kind, other)),
  );
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

/** The folder that the storage reads or writes, with a slash at its end; undefined while its settings name no place. */
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
