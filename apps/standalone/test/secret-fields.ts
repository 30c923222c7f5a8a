import { generateKeyPairSync } from "node:crypto";
import { makeCanary } from "@bucketbridge/testkit";
import { listSettingsFields, loadProvider, PROVIDER_NAMES } from "@bucketbridge/storage/providers";
import type { Json } from "./client.ts";

/** Secret fields of every type of the registry. A new field is in by itself; types without one are left out. */
export async function listSecretFields(): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const type of PROVIDER_NAMES) {
    const { settings } = await loadProvider(type);
    const names = listSettingsFields(settings).filter(({ secret }) => secret);
    if (names.length > 0)
      found.set(
        type,
        names.map(({ name }) => name),
      );
  }
  return found;
}

/** Secrets that must have a shape; all others are a bare canary. */
const SHAPED: Readonly<Record<string, () => string>> = {
  "gcs.google_application_credentials": makeGoogleKey,
  "gcswif.google_application_credentials": makeGoogleKey,
  "azure.account_name": () => `canary${makeCanary().value.slice(7, 23)}`,
  "azure.account_key": () => Buffer.from(makeCanary("azure").value).toString("base64"),
};

/** A new secret for a field, of a shape that the type takes. */
export function makeSecret(type: string, field: string): string {
  return SHAPED[`${type}.${field}`]?.() ?? makeCanary(`${type}-${field}`).value;
}

/** What of the values of secret fields must be seen nowhere, by a name for the report. */
export function listHidden(
  label: string,
  fields: readonly string[],
  values: Json,
): Record<string, string> {
  const hidden: Record<string, string> = {};
  for (const field of fields) {
    const value = values[field];
    if (typeof value !== "string" || value === "") continue;
    for (const [index, part] of secretParts(value).entries())
      hidden[`${label}.${field}[${String(index)}]`] = part;
  }
  return hidden;
}

/** Of a Google key the lines of its private key and what only we wrote into it: the rest, such as its address, is no secret. */
function secretParts(value: string): readonly string[] {
  if (!value.startsWith("{")) return [value];
  const { private_key: pem = "", canary = "" } = JSON.parse(value) as Record<string, string>;
  const lines = pem.split("\n").filter((line) => line.length === 64);
  return [...lines.slice(1, 4), canary].filter((part) => part !== "");
}

/** The JSON of a key of an account that no Google knows. */
function makeGoogleKey(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  return withCanary({
    type: "service_account",
    project_id: "cats",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    client_email: "nobody@fake.iam.gserviceaccount.com",
    token_uri: "https://oauth2.googleapis.com/token",
  });
}

/** A Google key with a canary in it. */
export function withCanary(key: Json): string {
  return JSON.stringify({ ...key, canary: makeCanary("google").value });
}
