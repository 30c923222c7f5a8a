import { randomUUID } from "node:crypto";
import * as sdk from "@azure/storage-blob";
import { trustCertificate } from "@bucketbridge/testkit/self-signed";
import { findAzurite, type FoundAzurite } from "@bucketbridge/testkit/azurite";
import type { StorageDriver } from "../driver.ts";
import { createEgress } from "../egress/create-egress.ts";
import type { Egress } from "../egress/egress.ts";
import { createBlobClients } from "../providers/azure/client.ts";
import { accountUrlOf } from "../providers/azure/credentials.ts";
import { azureProvider, azureSpiProvider } from "../providers/azure/index.ts";
import type { AzurePlatform } from "../providers/provider-deps.ts";
import type { DriverHarness, HarnessOverride, HarnessUnavailable } from "./harness.ts";
import { makeProviderDeps, makeStorageContext } from "./provider-deps.ts";

/** The two ways to sign in. */
export type AzureType = "azure" | "azure_spi";

/** What a driver of the family is opened with, beside the fields of the wire. */
export interface AzureAccess {
  readonly egress: Egress;
  readonly azure: AzurePlatform;
}

/** Opens the driver as the processes do, from the fields of the wire. */
export function openAzure(
  type: AzureType,
  fields: Record<string, unknown>,
  { egress, azure }: AzureAccess,
): Promise<StorageDriver> {
  const deps = makeProviderDeps(egress, { platform: { egress, aws: {}, gcp: {}, azure } });
  const context = makeStorageContext();
  return type === "azure"
    ? azureProvider.open(azureProvider.settings.parse(fields), deps, context)
    : azureSpiProvider.open(azureSpiProvider.settings.parse(fields), deps, context);
}

/** Azure itself has no such names: clients take the segments out of the URL, and a backslash becomes a slash. */
export const AZURE_NAMES: readonly HarnessOverride[] = (
  ["key.dot_segment", "key.backslash"] as const
).map((gap) => ({
  gap,
  link: "https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata",
}));

const AZURITE_GAPS: readonly HarnessOverride[] = [
  ...AZURE_NAMES,
  // It lists names in the order of their UTF-16 units, as measured.
  {
    traits: { order: "none" },
    link: "https://github.com/Azure/Azurite/blob/main/src/blob/persistence/LokiBlobMetadataStore.ts",
  },
  // It writes them into its XML as they are, and answers 500 to the whole listing.
  {
    gap: "key.control_character",
    link: "https://github.com/Azure/Azurite/blob/main/src/blob/handlers/ContainerHandler.ts",
  },
];

/** The driver on Azurite, in a container of its own. */
export async function azuriteHarness(type: AzureType): Promise<DriverHarness | HarnessUnavailable> {
  const azurite = await findAzurite();
  if (azurite === undefined) {
    const unavailable = 'no Azurite: eval "$(scripts/services/azurite start)"';
    return { name: type, service: "azurite", unavailable };
  }
  trustCertificate(azurite.ca);
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  const { blobEndpoint, authorityHost } = azurite;
  const container = await createAzuriteContainer(azurite, egress);
  const open = (fields: Record<string, unknown>): Promise<StorageDriver> =>
    openAzure(
      type,
      { container: container.containerName, ...credentialsOf(type, azurite), ...fields },
      { egress, azure: { blobEndpoint, authorityHost } },
    );
  return {
    name: type,
    service: "azurite",
    overrides: AZURITE_GAPS,
    secrets: [azurite.accountKey, azurite.clientSecret, "wrong-secret"],
    open: () => open({}),
    openMissingBucket: () => open({ container: `missing-${randomUUID()}` }),
    // To a wrong account key it answers as the cloud does to an unknown address.
    ...(type === "azure_spi"
      ? { openBadCredentials: () => open({ client_secret: "wrong-secret" }) }
      : {}),
    seed: async (key, body) => {
      await container.getBlockBlobClient(key).upload(body, body.byteLength);
    },
    clear: () => emptyContainer(container),
    dispose: async () => {
      await container.delete();
      await egress.close();
    },
  };
}

function credentialsOf(type: AzureType, azurite: FoundAzurite): Record<string, unknown> {
  const { accountName, accountKey, tenantId, clientId, clientSecret } = azurite;
  return type === "azure"
    ? { account_name: accountName, account_key: accountKey }
    : {
        account_name: accountName,
        tenant_id: tenantId,
        client_id: clientId,
        client_secret: clientSecret,
      };
}

/** A container of its own; whoever made it deletes it. */
export async function createAzuriteContainer(
  { blobEndpoint, accountName, accountKey }: FoundAzurite,
  egress: Egress,
): Promise<sdk.ContainerClient> {
  const clients = await createBlobClients({
    sdk,
    accountUrl: accountUrlOf(accountName, {
      platform: { egress, aws: {}, gcp: {}, azure: { blobEndpoint } },
    }),
    containerName: `suite-${randomUUID()}`,
    credential: new sdk.StorageSharedKeyCredential(accountName, accountKey),
    egress,
  });
  const container = clients.container();
  await container.create();
  return container;
}

async function emptyContainer(container: sdk.ContainerClient): Promise<void> {
  for await (const { name } of container.listBlobsFlat()) {
    await container.deleteBlob(name);
  }
}
