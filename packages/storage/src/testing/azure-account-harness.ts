import type { StorageDriver } from "../driver.ts";
import { createEgress } from "../egress/create-egress.ts";
import { calm } from "./case.ts";
import { AZURE_NAMES, openAzure, type AzureType } from "./azure-harness.ts";
import type { DriverHarness, HarnessUnavailable } from "./harness.ts";

/** What each type is opened with, by the field of the wire. The container is emptied by the suite. */
const VARIABLES = {
  azure: {
    container: "BUCKETBRIDGE_TEST_AZURE_CONTAINER",
    account_name: "AZURE_BLOB_ACCOUNT_NAME",
    account_key: "AZURE_BLOB_ACCOUNT_KEY",
  },
  azure_spi: {
    container: "BUCKETBRIDGE_TEST_AZURE_CONTAINER",
    account_name: "AZURE_BLOB_ACCOUNT_NAME",
    tenant_id: "AZURE_TENANT_ID",
    client_id: "AZURE_CLIENT_ID",
    client_secret: "AZURE_CLIENT_SECRET",
  },
} as const;

/** The driver on a real account, when all variables of its type are set. */
export async function azureAccountHarness(
  type: AzureType,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<DriverHarness | HarnessUnavailable> {
  const variables = Object.entries(VARIABLES[type]);
  const fields = Object.fromEntries(variables.map(([field, name]) => [field, environment[name]]));
  if (Object.values(fields).some((value) => value === undefined || value === "")) {
    const names = variables.map(([, name]) => name).join(", ");
    return { name: type, service: "account", unavailable: `no account: ${names}` };
  }
  const egress = createEgress({ allow: [], denied: [] });
  const authorityHost = environment["AZURE_AUTHORITY_HOST"];
  const blobEndpoint = environment["BUCKETBRIDGE_AZURE_BLOB_ENDPOINT"];
  const open = (changes: Record<string, unknown> = {}): Promise<StorageDriver> =>
    openAzure(type, { ...fields, ...changes }, { egress, azure: { authorityHost, blobEndpoint } });
  const admin = await open();
  const secret = type === "azure" ? "account_key" : "client_secret";
  const wrong = Buffer.from("wrong secret").toString("base64");
  return {
    name: type,
    service: "account",
    overrides: AZURE_NAMES,
    secrets: [fields[secret] ?? "", wrong],
    open: () => open(),
    openMissingBucket: () => open({ container: "no-such-container-of-bucketbridge" }),
    openBadCredentials: () => open({ [secret]: wrong }),
    seed: async (key, body) => {
      await admin.put?.({ key, body }, calm);
    },
    clear: () => empty(admin),
    dispose: async () => {
      await empty(admin);
      await egress.close();
    },
  };
}

async function empty(driver: StorageDriver): Promise<void> {
  const request = { prefix: "", recursive: true, limit: driver.traits.pageSize };
  const { keys, cursor } = await driver.listPage(request, calm);
  for (const key of keys) await driver.delete?.(key, calm);
  if (cursor !== undefined) await empty(driver);
}
