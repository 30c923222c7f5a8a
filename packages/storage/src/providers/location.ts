import type { ProviderDefinition } from "./definition.ts";
import { listSettingsFields, type SettingsField } from "./settings-fields.ts";

/** Values of provider fields by their wire names. */
export type SettingsValues = Readonly<Record<string, unknown>>;

/** Values that may be shown, and those that are encrypted at rest. */
export interface SplitSettings {
  readonly settings: SettingsValues;
  /** Only fields that have a value; anything but text is written as JSON. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Takes the values of a definition's fields apart; values that are no field of it are dropped. */
export function splitSecrets(
  definition: Pick<ProviderDefinition, "settings">,
  values: SettingsValues,
): SplitSettings {
  const settings: Record<string, unknown> = {};
  const secrets: Record<string, string> = {};
  for (const { name, secret } of listSettingsFields(definition.settings)) {
    const value = values[name];
    if (value === undefined) continue;
    if (!secret) settings[name] = value;
    else if (!isBlank(value)) {
      secrets[name] = typeof value === "string" ? value : JSON.stringify(value);
    }
  }
  return { settings, secrets };
}

/** True when objects are looked for elsewhere afterwards: a field with `location` has another value. Blank equals absent. */
export function changedLocation(
  definition: Pick<ProviderDefinition, "settings">,
  before: SettingsValues,
  after: SettingsValues,
): boolean {
  return differs(definition, before, after, (field) => field.location);
}

/**
 * True when stored secrets must not be used with the new settings: a field that decides which host receives them has
 * another value and the provider has secrets at all. The caller accepts the change only with new secrets.
 */
export function requiresSecretsAgain(
  definition: Pick<ProviderDefinition, "settings">,
  before: SettingsValues,
  after: SettingsValues,
): boolean {
  const hasSecrets = listSettingsFields(definition.settings).some((field) => field.secret);
  return hasSecrets && differs(definition, before, after, (field) => field.host);
}

function differs(
  definition: Pick<ProviderDefinition, "settings">,
  before: SettingsValues,
  after: SettingsValues,
  matters: (field: SettingsField) => boolean,
): boolean {
  return listSettingsFields(definition.settings).some(
    (field) => matters(field) && !isSame(before[field.name], after[field.name]),
  );
}

function isSame(before: unknown, after: unknown): boolean {
  if (isBlank(before) || isBlank(after)) return isBlank(before) && isBlank(after);
  return before === after || JSON.stringify(before) === JSON.stringify(after);
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}
