export {
  defineProvider,
  type AmbientSettings,
  type FormField,
  type LocalFilesPolicy,
  type ProviderDefinition,
  type ProviderDeps,
  type StorageDirection,
} from "./definition.ts";
export {
  changedLocation,
  requiresSecretsAgain,
  splitSecrets,
  type SettingsValues,
  type SplitSettings,
} from "./location.ts";
export { isProviderName, loadProvider, PROVIDER_NAMES, type ProviderName } from "./registry.ts";
export { listSettingsFields, type SettingsField } from "./settings-fields.ts";
