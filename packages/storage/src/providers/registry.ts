import { AppError } from "@bucketbridge/core";
import type { ProviderDefinition } from "./definition.ts";

/** Every provider by its `type` on the wire. Its code, and with it its SDK, loads the first time a storage uses it. */
const LOADERS = {
  s3: async () => (await import("./s3/index.ts")).s3Provider,
  s3s: async () => (await import("./s3/index.ts")).s3sProvider,
  gcs: async () => (await import("./gcs/index.ts")).gcsProvider,
  azure: async () => (await import("./azure/index.ts")).azureProvider,
  redis: async () => (await import("./redis/index.ts")).redisProvider,
  localfiles: async () => (await import("./localfiles/index.ts")).localfilesProvider,
  gcs_sa: async () => (await import("./gcs/index.ts")).gcsSaProvider,
  gcswif: async () => (await import("./gcs/index.ts")).gcswifProvider,
  azure_spi: async () => (await import("./azure/index.ts")).azureSpiProvider,
  databricks: async () => (await import("./databricks/index.ts")).databricksProvider,
} as const satisfies Readonly<Record<string, () => Promise<ProviderDefinition>>>;

/** The `type` of a storage that this version knows. */
export type ProviderName = keyof typeof LOADERS;

/** All of them, in the order of `GET /api/storages/types`. */
export const PROVIDER_NAMES = Object.keys(LOADERS) as readonly ProviderName[];

/** Narrows a text of the wire or of the database. */
export function isProviderName(name: string): name is ProviderName {
  return Object.hasOwn(LOADERS, name);
}

/** The definition of a provider. An unknown name is `unsupported`. */
export async function loadProvider(name: string): Promise<ProviderDefinition> {
  if (!isProviderName(name)) {
    throw new AppError({ code: "unsupported", message: `there is no storage type "${name}"` });
  }
  return LOADERS[name]();
}
