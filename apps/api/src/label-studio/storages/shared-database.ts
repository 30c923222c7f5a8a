import { nonFieldError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import type { StorageDraft } from "./draft.ts";
import type { StorageKind } from "./storage-kind.ts";

/**
 * Refuses a target in the database of a source of the same organisation, and the other way round (design §13): whatever is
 * exported would come back as tasks. Servers are compared by their addresses, so a second name does not help.
 */
export async function refuseSharedDatabase(
  { storages, stores }: Pick<ApiDeps, "storages" | "stores">,
  { definition, direction, shape }: StorageKind,
  draft: Pick<StorageDraft, "settings">,
  asker: {
    readonly organizationId: number;
    readonly storageId: number | undefined;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const wanted = definition.databaseOf?.(draft.settings, direction);
  if (wanted === undefined) return;
  const opposite = direction === "source" ? "target" : "source";
  const filter = { provider: shape.name, direction: opposite } as const;
  for (const other of await storages.list(asker.organizationId, filter)) {
    const parsed = definition.settings.safeParse(other.settings);
    if (other.id === asker.storageId || !parsed.success) continue;
    const place = definition.databaseOf?.(parsed.data, opposite);
    if (place?.database !== wanted.database) continue;
    if (!(await stores.isSameServer(wanted, place, asker.signal))) continue;
    const used = opposite === "source" ? "read by source" : "written by target";
    throw nonFieldError(
      `database ${wanted.database} of ${wanted.host}:${String(wanted.port)} is ${used} ${String(other.id)} of this organisation, and exported annotations would become tasks; choose another database`,
    );
  }
}
