import { shellSection, type SetupFacts, type SetupSection } from "../setup.ts";

const SCOPE =
  "/subscriptions/<subscription>/resourceGroups/<group>/providers/Microsoft.Storage/storageAccounts/<account>";

/** A storage with the key of a storage account. */
export function writeAzureSetup(facts: SetupFacts): readonly SetupSection[] {
  const key = shellSection(
    "account_key",
    "The key of the storage account",
    ["az storage account keys list --account-name <account> --query '[0].value' --output tsv"],
    "The key may do everything in the account. A service principal (azure_spi) may be limited to one container.",
  );
  return [key, ...writeAccountSections(facts)];
}

/** A storage with a service principal. */
export function writeAzureSpiSetup(facts: SetupFacts): readonly SetupSection[] {
  const container = `${SCOPE}/blobServices/default/containers/${facts.bucket}`;
  return [
    shellSection(
      "app",
      "An app registration with a secret",
      [
        "az ad app create --display-name bucketbridge --query appId --output tsv",
        "az ad sp create --id <client id>",
        "az ad app credential reset --id <client id> --append --years 1 --query password --output tsv",
        "az account show --query tenantId --output tsv",
      ],
      "They print client_id, client_secret and tenant_id of the storage. Make a new secret before the old one ends.",
    ),
    shellSection("source_role", "Role of a source", [
      assign("Storage Blob Data Reader", container),
    ]),
    shellSection("target_role", "Role of a target", [
      assign("Storage Blob Data Contributor", container),
    ]),
    shellSection(
      "sign_role",
      "Role for signing URLs",
      [assign("Storage Blob Delegator", SCOPE)],
      "For a source with pre-signed URLs. It counts on the account only, not on a container. An assignment takes up to ten minutes.",
    ),
    ...writeAccountSections(facts),
  ];
}

function assign(role: string, scope: string): string {
  return `az role assignment create --assignee <client id> --role "${role}" --scope "${scope}"`;
}

function writeAccountSections({ origin, outgoingAddresses }: SetupFacts): readonly SetupSection[] {
  const cors = shellSection("cors", "CORS rules of the storage account", [
    `az storage cors add --account-name <account> --services b --methods GET HEAD OPTIONS --origins '${origin}' \\`,
    "  --allowed-headers '*' --exposed-headers '*' --max-age 3600",
  ]);
  if (outgoingAddresses.length === 0) return [cors];
  // The firewall takes single addresses and ranges of IPv4, single ones without /32.
  const rules = outgoingAddresses
    .filter((address) => !address.includes(":"))
    .map(
      (address) =>
        `az storage account network-rule add --account-name <account> --ip-address ${address.replace(/\/32$/, "")}`,
    );
  const firewall = shellSection(
    "firewall",
    "Let the platform through the account's firewall",
    [...rules, "az storage account update --name <account> --default-action Deny"],
    "Add the addresses from which annotators open signed URLs too, or turn pre-signed URLs off. To undo it: --default-action Allow.",
  );
  return [cors, firewall];
}
