/**
 * A page of `found`, which was asked for one entry more than `limit`: its presence says that there is another page, whose
 * cursor is the id of this page's last entry.
 */
export function toPage<Entry extends { readonly id: number }>(
  found: readonly Entry[],
  limit: number,
): { items: Entry[]; nextCursor: number | null } {
  const items = found.slice(0, limit);
  return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}
