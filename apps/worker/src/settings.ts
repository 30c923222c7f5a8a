import type { PersistenceSettings, Platform, WorkerGroup } from "@bucketbridge/config";
import type { Secret } from "@bucketbridge/core";
import type { RetentionPolicy } from "@bucketbridge/db";
import type { AmbientSettings, LocalFilesPolicy } from "@bucketbridge/storage/providers";
import type { EngineOptions, ExportOptions } from "@bucketbridge/sync";
import type { LogLevel } from "./logger.ts";

/** Values of the configuration that a worker uses, already checked. */
export interface WorkerSettings {
  readonly version: string;
  readonly groups: readonly WorkerGroup[];
  /** Jobs of one queue at once. */
  readonly concurrency: number;
  readonly health: { readonly host: string; readonly port: number };
  readonly logLevel: LogLevel;
  readonly database: { readonly url: Secret; readonly poolSize: number };
  readonly redisUrl: Secret | undefined;
  readonly secretKeys: Secret;
  readonly egressAllow: readonly string[];
  readonly localFiles: LocalFilesPolicy;
  readonly ambient: AmbientSettings;
  /** Undefined: the platform has no identity at any cloud. */
  readonly platform?: Platform | undefined;
  /** Where export snapshots are written. */
  readonly persistence: PersistenceSettings;
  readonly inFlightBytes: number;
  readonly engine: Partial<EngineOptions>;
  readonly exporting: Partial<ExportOptions>;
  readonly retention: RetentionPolicy;
  /** For tests: how soon the job of a dead worker runs again. */
  readonly lockMs?: number | undefined;
  readonly stalledIntervalMs?: number | undefined;
  /** For tests: how soon a sweep finds what nobody works on. */
  readonly sweepIntervalMs?: number | undefined;
}
