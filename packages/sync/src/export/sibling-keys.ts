/** Two targets, and what their settings name: "s3://bucket", "/data/folder". */
export interface SiblingPlace {
  /** The other one. */
  readonly targetId: number;
  readonly own: string;
  readonly place: string;
}

/**
 * What another target would call the objects of these keys, with their positions. Keys that lie outside of its place are left out;
 * all of them where the two places have nothing in common.
 */
export function toSiblingKeys(
  { own, place }: SiblingPlace,
  keys: readonly string[],
): readonly { readonly index: number; readonly key: string }[] {
  if (own === place) return keys.map((key, index) => ({ index, key }));
  const ownFolder = toFolder(own);
  const folder = toFolder(place);
  if (ownFolder.startsWith(folder)) {
    const between = ownFolder.slice(folder.length);
    return keys.map((key, index) => ({ index, key: between + key }));
  }
  if (!folder.startsWith(ownFolder)) return [];
  const between = folder.slice(ownFolder.length);
  return keys.flatMap((key, index) =>
    key.startsWith(between) && key.length > between.length
      ? [{ index, key: key.slice(between.length) }]
      : [],
  );
}

function toFolder(place: string): string {
  return place.endsWith("/") ? place : `${place}/`;
}
