import { isAppError, type Secret } from "@bucketbridge/core";
import type { KeyRing, SecretFields } from "../secrets/key-ring.ts";
import type { RunKey, SourceRecord } from "./records.ts";

/** The columns of a storage as `unit-take` and the run snapshot select them. */
export interface SourceRow {
  readonly storage_id: number;
  readonly project_id: number;
  readonly provider: string;
  readonly settings: Record<string, unknown>;
  readonly secrets: Uint8Array | null;
  readonly title: string | null;
  readonly prefix: string | null;
  readonly regex_filter: string | null;
  readonly use_blob_urls: boolean;
  readonly recursive_scan: boolean;
  readonly settings_version: number;
  readonly location_version: number;
}

/** What the files method stores in place of the data key; which key it stands for is decided when a task is read. */
const UNDEFINED_KEY = "$undefined$";

/** Opens the secrets; a storage whose key is lost is still read. */
export function toSource(row: SourceRow, run: RunKey, keyRing: KeyRing): SourceRecord {
  const { organizationId } = run;
  return {
    id: row.storage_id,
    organizationId,
    projectId: row.project_id,
    provider: row.provider,
    settings: row.settings,
    secrets: openSecrets(row, run, keyRing),
    title: row.title,
    prefix: row.prefix,
    regexFilter: row.regex_filter,
    // A value of Redis is always a task definition, whatever was chosen (ls-api §7.2); the statements say the same.
    useBlobUrls: row.use_blob_urls && row.provider !== "redis",
    recursiveScan: row.recursive_scan,
    settingsVersion: row.settings_version,
    locationVersion: row.location_version,
    dataKey: UNDEFINED_KEY,
  };
}

function openSecrets(
  row: SourceRow,
  run: RunKey,
  keyRing: KeyRing,
): Secret<SecretFields> | undefined {
  try {
    return keyRing.open(row.secrets, {
      organizationId: run.organizationId,
      storageId: row.storage_id,
    });
  } catch (error) {
    if (isAppError(error, "invalid_config")) return undefined;
    throw error;
  }
}
