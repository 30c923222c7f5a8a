import {
  accessSlice,
  ambientSlice,
  awsPlatformSlice,
  azurePlatformSlice,
  databaseSlice,
  egressSlice,
  exportSlice,
  gcpPlatformSlice,
  httpSlice,
  listsSlice,
  loadConfig,
  localFilesSlice,
  loggingSlice,
  mediaSlice,
  ownerSlice,
  persistenceSlice,
  platformSlice,
  queueSlice,
  resolveAmbientAwsKeys,
  resolveAmbientAzure,
  resolveEgressAllow,
  resolveLocalFiles,
  resolvePersistence,
  resolvePlatform,
  secretsSlice,
  storageTypesSlice,
  type Environment,
  type PersistenceSettings,
  type Platform,
} from "@bucketbridge/config";
import { SYNC_WAIT_MS, type Secret } from "@bucketbridge/core";
import type { AmbientSettings } from "@bucketbridge/storage/providers";
import packageFile from "../package.json" with { type: "json" };
import type { ApiSettings } from "./deps.ts";
import type { LogLevel } from "./logger.ts";

/** Values of the configuration that the process uses beside those of the application. */
export interface ProcessSettings {
  readonly app: ApiSettings;
  readonly listen: { readonly host: string; readonly port: number };
  readonly database: { readonly url: Secret; readonly poolSize: number };
  readonly redisUrl: Secret | undefined;
  readonly secretKeys: Secret;
  readonly egressAllow: readonly string[];
  readonly ambient: AmbientSettings;
  /** Undefined: the platform has no identity at any cloud. */
  readonly platform?: Platform | undefined;
  /** Where uploads and export snapshots lie. */
  readonly persistence: PersistenceSettings;
  readonly owner: { readonly email: string; readonly token: Secret } | undefined;
  readonly logLevel: LogLevel;
}

/** Reads the environment once; throws `invalid_config` with every problem. `directory`: where `mydata` is looked for. */
export function readSettings(env: Environment, directory: string): ProcessSettings {
  const config = loadConfig(
    {
      http: httpSlice,
      access: accessSlice,
      database: databaseSlice,
      queue: queueSlice,
      secrets: secretsSlice,
      owner: ownerSlice,
      egress: egressSlice,
      localFiles: localFilesSlice,
      storageTypes: storageTypesSlice,
      lists: listsSlice,
      export: exportSlice,
      ambient: ambientSlice,
      awsPlatform: awsPlatformSlice,
      azurePlatform: azurePlatformSlice,
      gcpPlatform: gcpPlatformSlice,
      platform: platformSlice,
      media: mediaSlice,
      persistence: persistenceSlice,
      logging: loggingSlice,
    },
    env,
  );
  const { http, owner } = config;
  return {
    app: {
      version: packageFile.version,
      hostPrefix: http.hostPrefix ?? "",
      trustProxy: http.trustProxy,
      maxBodyBytes: http.maxBodyBytes,
      openSignUp: config.access.openSignUp,
      rateLimits: toRateLimits(config.access),
      tokenKeys: config.secrets.tokenKeys,
      localFiles: resolveLocalFiles(config.localFiles, directory),
      storageTypes: config.storageTypes,
      lists: config.lists,
      syncWaitMs: SYNC_WAIT_MS,
      syncOnTargetCreation: config.export.syncOnCreation,
      targetDefaults: toTargetDefaults(config.export),
      media: config.media,
      uploads: toUploadSettings(config.persistence),
    },
    listen: { host: http.host, port: http.port },
    database: config.database,
    redisUrl: config.queue.redisUrl,
    secretKeys: config.secrets.secretKeys,
    egressAllow: resolveEgressAllow(config),
    ambient: toAmbientSettings(config),
    platform: resolvePlatform(config),
    persistence: resolvePersistence(config.persistence, directory),
    owner:
      owner.email === undefined || owner.token === undefined
        ? undefined
        : { email: owner.email, token: owner.token },
    logLevel: config.logging.level,
  };
}

/** In the contract the format of tasks is a switch of the server; here targets are made with it, and may be changed one by one. */
function toTargetDefaults(settings: {
  readonly taskFormat: boolean;
  readonly taskJsonExtension: boolean;
}): ApiSettings["targetDefaults"] {
  if (!settings.taskFormat) return { subject: "annotation", jsonExtension: false };
  return { subject: "task", jsonExtension: settings.taskJsonExtension };
}

/** The operator's values that stand in for what users leave blank. */
function toAmbientSettings(
  config: Parameters<typeof resolveAmbientAzure>[0] & {
    readonly ambient: Parameters<typeof resolveAmbientAwsKeys>[0];
  },
): AmbientSettings {
  const { buckets, s3Endpoint, s3Region, s3EncryptsWrites } = config.ambient;
  return {
    ...{ buckets, s3Endpoint, s3Region, s3EncryptsWrites },
    s3Credentials: resolveAmbientAwsKeys(config.ambient),
    azure: resolveAmbientAzure(config),
  };
}

function toUploadSettings(settings: {
  readonly maxUploadBytes: number;
  readonly maxDataFileBytes: number;
}): ApiSettings["uploads"] {
  return { maxBytes: settings.maxUploadBytes, maxDataBytes: settings.maxDataFileBytes };
}

type RateSettings = Readonly<
  Record<`${keyof ApiSettings["rateLimits"]}${"Rate" | "Burst"}`, number>
>;

function toRateLimits(access: RateSettings): ApiSettings["rateLimits"] {
  return {
    token: { perSecond: access.tokenRate, burst: access.tokenBurst },
    media: { perSecond: access.mediaRate, burst: access.mediaBurst },
    address: { perSecond: access.addressRate, burst: access.addressBurst },
  };
}
