import { z } from "zod";

/** Longer than any of these values is at Azure. */
const MAX_TEXT_CHARS = 2_048;

/** What may stand in the path of a URL; Azure itself says what it thinks of the length and of capital letters. */
const CONTAINER_NAME = /^\$?[A-Za-z0-9-]{1,255}$/;
/** The account becomes part of the host. */
const ACCOUNT_NAME = /^[a-z0-9]{3,24}$/;
/** The blob endpoint of an account in one of the clouds, as the portal shows it. */
const ACCOUNT_URL =
  /^https:\/\/([a-z0-9]{3,24})\.blob\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net|cloudapi\.de)\/?$/;
/** A GUID, or for a tenant one of its domain names: it becomes part of a path. */
const TENANT_ID = /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/;
const CLIENT_ID = /^[A-Za-z0-9-]{1,64}$/;

/** Text that may be left out, null or blank; all three mean "not set". */
const optionalText = () => z.string().trim().max(MAX_TEXT_CHARS);

const container = optionalText()
  .refine((text) => text === "" || CONTAINER_NAME.test(text), {
    error: ({ input }) =>
      `"${String(input)}" is not the name of a container: lower-case letters, digits and dashes, 3 to 63 characters.`,
  })
  .nullish()
  .meta({ location: true });

const accountName = optionalText().refine(
  (text) => text === "" || toAccountName(text) !== undefined,
  {
    error:
      "This is not the name of a storage account: 3 to 24 lower-case letters and digits, or the account's blob endpoint.",
  },
);

/** Settings of `azure`, source and target, by their wire names (ls-api §2.5). Name and key of the account are both secret. */
export const azureSettings = z.object({
  container,
  account_name: accountName.nullish().meta({ secret: true, location: true, host: true }),
  account_key: optionalText().nullish().meta({ secret: true }),
});

/** Settings of `azure` after the schema has looked at them. */
export type AzureSettings = z.output<typeof azureSettings>;

/**
 * Settings of `azure_spi`, source and target, by their wire names. `user_delegation_key` is the contract's server-side cache:
 * it is taken and dropped, since ours stays in memory.
 */
export const azureSpiSettings = z.object({
  container,
  account_name: accountName.nullish().meta({ location: true, host: true }),
  tenant_id: idText(TENANT_ID, "the directory (tenant) id of the app registration"),
  client_id: idText(CLIENT_ID, "the application (client) id of the app registration"),
  client_secret: optionalText().nullish().meta({ secret: true }),
});

/** Settings of `azure_spi` after the schema has looked at them. */
export type AzureSpiSettings = z.output<typeof azureSpiSettings>;

/** The text of a field, or undefined when it is left out, null or blank. */
export function textOf(value: string | null | undefined): string | undefined {
  return value === undefined || value === null || value === "" ? undefined : value;
}

/** The account that a name or a blob endpoint means; undefined: neither. */
export function toAccountName(text: string): string | undefined {
  return ACCOUNT_NAME.test(text) ? text : ACCOUNT_URL.exec(text)?.[1];
}

function idText(pattern: RegExp, meaning: string) {
  return optionalText()
    .refine((text) => text === "" || pattern.test(text), { error: `This is not ${meaning}.` })
    .nullish();
}
