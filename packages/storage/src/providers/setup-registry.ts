import type { ProviderName } from "./registry.ts";
import type { SetupWriter } from "./setup.ts";

/** Loads no SDK. */
const WRITERS: Readonly<Record<ProviderName, () => Promise<SetupWriter>>> = {
  s3: async () => (await import("./s3/setup.ts")).writeS3Setup,
  s3s: async () => (await import("./s3/setup.ts")).writeS3sSetup,
  gcs: async () => (await import("./gcs/setup.ts")).writeGcsSetup,
  gcs_sa: async () => (await import("./gcs/setup.ts")).writeGcsSaSetup,
  gcswif: async () => (await import("./gcs/setup.ts")).writeGcsWifSetup,
  azure: async () => (await import("./azure/setup.ts")).writeAzureSetup,
  azure_spi: async () => (await import("./azure/setup.ts")).writeAzureSpiSetup,
  redis: async () => (await import("./redis/setup.ts")).writeRedisSetup,
  localfiles: async () => (await import("./localfiles/setup.ts")).writeLocalfilesSetup,
  databricks: async () => (await import("./databricks/setup.ts")).writeDatabricksSetup,
};

/** What the owner of a store of this type has to do, written for him. */
export async function loadSetup(type: ProviderName): Promise<SetupWriter> {
  return WRITERS[type]();
}
