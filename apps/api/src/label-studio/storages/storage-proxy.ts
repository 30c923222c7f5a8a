import { nonFieldError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import type { StorageDraft } from "./draft.ts";
import type { StorageKind } from "./storage-kind.ts";
import { hasField } from "./wire-shapes.ts";

/** Refuses a source whose media would stream through us where the organisation does not want that. */
export async function refuseProxiedSource(
  { organizations }: Pick<ApiDeps, "organizations">,
  { direction, shape }: Pick<StorageKind, "direction" | "shape">,
  { presign }: Pick<StorageDraft, "presign">,
  organizationId: number,
): Promise<void> {
  const isOnlyProxied = shape.proxyOnly === true;
  const isProxied = isOnlyProxied || (hasField(shape, direction, "presign") && !presign);
  if (direction !== "source" || !isProxied) return;
  const { storageProxyEnabled } = await organizations.get(organizationId);
  if (storageProxyEnabled) return;
  const what = isOnlyProxied
    ? `media of ${shape.title} can only be served through the storage proxy`
    : "a source with presigned URLs off needs the storage proxy";
  const remedy = isOnlyProxied
    ? "ask an owner or admin to enable it"
    : "turn presigned URLs on (presign) or ask an owner or admin to enable it";
  throw nonFieldError(`${what}, which is disabled for this organization; ${remedy}`);
}
