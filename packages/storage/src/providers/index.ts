export {
  defineProvider,
  type FormField,
  type ProviderDefinition,
  type ProviderWarning,
  type RegionFacts,
} from "./definition.ts";
export {
  changedLocation,
  requiresSecretsAgain,
  splitSecrets,
  type SettingsValues,
  type SplitSettings,
} from "./location.ts";
export {
  mayUseAmbient,
  type AmbientSettings,
  type AwsKeys,
  type AwsPlatform,
  type AzurePlatform,
  type GcpEndpoints,
  type GcpPlatform,
  type GcpSubjectToken,
  type LocalFilesPolicy,
  type PlatformAccess,
  type ProviderDeps,
  type StorageContext,
  type StorageDirection,
} from "./provider-deps.ts";
export { copyFiles, type CopyCounts, type CopyFilesOptions } from "./copy-files.ts";
export {
  holdPersistence,
  openPersistence,
  type PersistenceDeps,
  type PersistenceHandle,
  type PersistencePlace,
} from "./open-persistence.ts";
export {
  PersistentStore,
  type PersistentFile,
  type PersistentObject,
  type PutFileOptions,
  type StoredFile,
} from "./persistent-store.ts";
export {
  findPlatformPrincipals,
  type PlatformPrincipals,
  type Principal,
} from "./platform-principals.ts";
export { isProviderName, loadProvider, PROVIDER_NAMES, type ProviderName } from "./registry.ts";
export type { SetupFacts, SetupSubject } from "./setup.ts";
export { loadSetup } from "./setup-registry.ts";
export { listSettingsFields, type SettingsField } from "./settings-fields.ts";
export { throttledHost } from "./throttled-host.ts";
export { StoreCache, type CachedStorage, type Closable, type HeldStore } from "./store-cache.ts";
