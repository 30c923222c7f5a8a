import {
  requiresSecretsAgain,
  splitSecrets,
  type SettingsField,
} from "@bucketbridge/storage/providers";
import type { FieldReader, RawFields } from "../fields.ts";
import type { StorageDraft } from "./draft.ts";
import type { StorageKind } from "./storage-kind.ts";

/** Takes the provider's fields over those of `base` and asks the provider's schema; complaints stay in the reader. */
export function readProviderFields(
  reader: FieldReader,
  raw: RawFields,
  base: StorageDraft,
  kind: StorageKind,
): StorageDraft {
  const values: Record<string, unknown> = { ...base.settings, ...base.secrets };
  const refused = new Set<string>();
  for (const field of kind.fields) {
    if (!reader.has(field.name)) continue;
    const isBlank = isUnset(raw[field.name]);
    const value = isBlank ? undefined : readField(reader, field, raw[field.name]);
    if (!isBlank && value === undefined) refused.add(field.name);
    values[field.name] = value;
  }
  dropStaleSession(reader, kind.fields, base.secrets, values);
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  const parsed = kind.definition.settings.safeParse(Object.fromEntries(given));
  if (parsed.success) return { ...base, ...splitSecrets(kind.definition, parsed.data) };
  for (const issue of parsed.error.issues) {
    const name = String(issue.path[0] ?? "non_field_errors");
    if (!refused.has(name)) reader.fail(name, toSentence(issue, values[name]));
  }
  return base;
}

/** A session token signs together with the keys that it was made with, not with others. */
function dropStaleSession(
  reader: FieldReader,
  fields: readonly SettingsField[],
  stored: StorageDraft["secrets"],
  values: Record<string, unknown>,
): void {
  const isRenewed = fields.some(
    ({ secret, session, name }) => secret && !session && values[name] !== stored[name],
  );
  if (!isRenewed) return;
  for (const { session, name } of fields)
    if (session && !reader.has(name)) values[name] = undefined;
}

/** Refuses to send stored secrets to a host that the caller has just named: they must come with the change. */
export function demandSecretsForNewHost(
  reader: FieldReader,
  { definition, fields }: StorageKind,
  stored: Pick<StorageDraft, "settings" | "secrets">,
  wanted: Pick<StorageDraft, "settings" | "secrets">,
): void {
  // What names a host may be a secret itself, as the account of `azure` is.
  const before = { ...stored.settings, ...stored.secrets };
  if (!requiresSecretsAgain(definition, before, { ...wanted.settings, ...wanted.secrets })) return;
  const hosts = fields.filter(({ host }) => host).map(({ name }) => name);
  for (const secret of Object.keys(stored.secrets)) {
    if (reader.has(secret)) continue;
    reader.fail(
      secret,
      `This field is required again, because ${hosts.join(" or ")} changed: stored secrets are not sent to a new host.`,
    );
  }
}

/** Null and blank both mean "not set": forms send blanks for what was left out. */
function isUnset(value: unknown): boolean {
  return value === null || (typeof value === "string" && value.trim() === "");
}

function readField(reader: FieldReader, field: SettingsField, value: unknown): unknown {
  switch (field.kind) {
    case "boolean":
      return reader.boolean(field.name);
    case "number":
      return reader.number(field.name);
    case "text":
      return reader.text(field.name);
    case "other":
      return value;
  }
}

function toSentence(
  issue: { readonly code: string; readonly message: string },
  value: unknown,
): string {
  if (value === undefined && issue.code !== "custom") return "This field is required.";
  if (issue.code === "invalid_value") return `"${String(value)}" is not a valid choice.`;
  return issue.message;
}
