export {
  defineProvider,
  type AmbientSettings,
  type FormField,
  type LocalFilesPolicy,
  type ProviderDefinition,
  type ProviderDeps,
  type StorageDirection,
} from "./definition.ts";
export { listSettingsFields, type SettingsField } from "./settings-fields.ts";
