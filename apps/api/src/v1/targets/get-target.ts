import type { StorageRecord } from "@bucketbridge/db";
import { notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";

/** The target of a path, 404 for a foreign one and for a source. */
export async function getTarget(
  { storages }: Pick<ApiDeps, "storages">,
  request: Parameters<typeof identityOf>[0] & { readonly params: { readonly id: number } },
): Promise<StorageRecord> {
  const { organizationId } = identityOf(request);
  const found = await storages.find(organizationId, request.params.id, { direction: "target" });
  if (found === undefined) throw notFound("Storage");
  return found;
}
