import { silentLogger } from "@bucketbridge/core";
import type { Egress } from "../egress/egress.ts";
import type { ProviderDeps, StorageContext } from "../providers/provider-deps.ts";

/** What a provider is made with in tests: no local files, no ambient values, and a platform without identity. */
export function makeProviderDeps(
  egress: Egress,
  changes: Partial<ProviderDeps> = {},
): ProviderDeps {
  return {
    egress,
    log: silentLogger,
    localFiles: { documentRoot: undefined, servingEnabled: false },
    ambient: {},
    platform: { egress, aws: {}, gcp: {}, azure: {} },
    ...changes,
  };
}

/** A source of one of several organisations, on the whole bucket. */
export function makeStorageContext(changes: Partial<StorageContext> = {}): StorageContext {
  return {
    organizationId: 1,
    organizationExternalId: "org-external-id",
    isOnlyOrganization: false,
    storageId: 1,
    direction: "source",
    prefix: "",
    ...changes,
  };
}
