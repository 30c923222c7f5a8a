import { defineProvider, type FormField } from "../definition.ts";
import {
  mayUseAmbient,
  type AzureAmbient,
  type ProviderDeps,
  type StorageContext,
} from "../provider-deps.ts";
import { createBlobClients, loadSdk } from "./client.ts";
import { checkAzureConnection } from "./connection-check.ts";
import { accountUrlOf, resolveAccountKey, resolveServicePrincipal, signIn } from "./credentials.ts";
import { AzureDriver } from "./driver.ts";
import { createDelegationSigner, createKeySigner } from "./presign.ts";
import { azureSettings, azureSpiSettings, textOf } from "./settings.ts";
import { makeSharedKeyCredential } from "./shared-key.ts";

const CONTAINER: FormField = {
  name: "container",
  label: "Container Name",
  type: "text",
  required: true,
};

interface Placed {
  readonly container?: string | null | undefined;
}

const place = {
  referencePrefix: (settings: Placed) => `azure-blob://${textOf(settings.container) ?? ""}/`,
  isPlaced: (settings: Placed) => textOf(settings.container) !== undefined,
  describe: (settings: Placed) => `azure-blob://${textOf(settings.container) ?? ""}`,
};

/** Azure Blob Storage with the key of the account. */
export const azureProvider = defineProvider({
  name: "azure",
  title: "Microsoft Azure",
  settings: azureSettings,
  form: [
    CONTAINER,
    { name: "account_name", label: "Account Name", type: "password" },
    { name: "account_key", label: "Account Key", type: "password" },
  ],
  ...place,
  async open(settings, deps, context) {
    const containerName = textOf(settings.container);
    const { accountName, accountKey } = resolveAccountKey(
      settings,
      ambientOf(deps, context, containerName),
    );
    const sdk = await loadSdk();
    const credential = makeSharedKeyCredential(sdk, accountName, accountKey);
    const clients = await createBlobClients({
      sdk,
      accountUrl: accountUrlOf(accountName, deps),
      containerName,
      credential,
      egress: deps.egress,
    });
    return new AzureDriver({ clients, sign: createKeySigner(sdk, credential) });
  },
  validate: (driver, settings, check) =>
    checkAzureConnection(driver, { ...check, container: textOf(settings.container) ?? "" }),
});

/** Azure Blob Storage with a service principal. */
export const azureSpiProvider = defineProvider({
  name: "azure_spi",
  title: "Azure Blob Storage with Service Principal",
  settings: azureSpiSettings,
  form: [
    CONTAINER,
    { name: "account_name", label: "Account Name", type: "text", required: true },
    { name: "tenant_id", label: "Tenant ID", type: "text", required: true },
    { name: "client_id", label: "Client ID", type: "text", required: true },
    { name: "client_secret", label: "Client Secret", type: "password", required: true },
  ],
  ...place,
  async open(settings, deps, context) {
    const containerName = textOf(settings.container);
    const principal = resolveServicePrincipal(settings, ambientOf(deps, context, containerName));
    const sdk = await loadSdk();
    const clients = await createBlobClients({
      sdk,
      accountUrl: accountUrlOf(principal.accountName, deps),
      containerName,
      credential: await signIn(principal, deps),
      egress: deps.egress,
    });
    return new AzureDriver({
      clients,
      sign: createDelegationSigner(sdk, clients.service, principal.accountName),
    });
  },
  validate: (driver, settings, check) =>
    checkAzureConnection(driver, { ...check, container: textOf(settings.container) ?? "" }),
});

/** The operator's values, where this storage may have them. */
function ambientOf(
  { ambient }: ProviderDeps,
  context: StorageContext,
  container: string | undefined,
): AzureAmbient {
  return mayUseAmbient(ambient, context, container) ? (ambient.azure ?? {}) : {};
}
