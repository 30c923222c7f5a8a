export { describeConfig, type VariableDescription } from "./describe-config.ts";
export { describeIgnoredVariables } from "./ignored-variables.ts";
export { loadConfig, type ConfigOf, type Environment } from "./load-config.ts";
export {
  resolveAmbientAwsKeys,
  resolveAmbientAzure,
  resolveEgressAllow,
  resolvePlatform,
  type Platform,
} from "./platform.ts";
export { accessSlice } from "./slices/access.ts";
export { ambientSlice } from "./slices/ambient.ts";
export { awsPlatformSlice } from "./slices/aws-platform.ts";
export { azurePlatformSlice } from "./slices/azure-platform.ts";
export { databaseSlice, migrationSlice } from "./slices/database.ts";
export { egressSlice } from "./slices/egress.ts";
export { exportSlice } from "./slices/export.ts";
export { gcpPlatformSlice } from "./slices/gcp-platform.ts";
export { httpSlice } from "./slices/http.ts";
export { limitsSlice } from "./slices/limits.ts";
export { listsSlice } from "./slices/lists.ts";
export { localFilesSlice, resolveLocalFiles, type LocalFilesPolicy } from "./slices/local-files.ts";
export { loggingSlice } from "./slices/logging.ts";
export { mediaSlice } from "./slices/media.ts";
export { ownerSlice } from "./slices/owner.ts";
export {
  persistenceSlice,
  resolvePersistence,
  type PersistenceSettings,
} from "./slices/persistence.ts";
export { platformSlice } from "./slices/platform.ts";
export { queueSlice } from "./slices/queue.ts";
export { retentionSlice } from "./slices/retention.ts";
export { secretsSlice } from "./slices/secrets.ts";
export { standaloneSlice } from "./slices/standalone.ts";
export { storageTypesSlice } from "./slices/storage-types.ts";
export { WORKER_GROUPS, workerSlice, type WorkerGroup } from "./slices/worker.ts";
